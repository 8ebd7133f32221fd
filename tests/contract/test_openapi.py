"""docs/openapi.json: what it says of the API is what the code says."""

import inspect
import json
from typing import Any

import jsonschema
import pytest

from local_stack.home import PROJECT_ROOT
from shortener import problems
from shortener.openapi.document import UndescribedError, check_described, make_document
from shortener.openapi.page import render_page
from shortener.openapi.problem_types import PROBLEMS, STRUCTS
from shortener.problems import Problem, missing_query_authentication, too_many_requests

DOCUMENT = json.loads((PROJECT_ROOT / "docs/openapi.json").read_text())
OPERATIONS = [
    (method, path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]
ROUTES = {(method.upper(), path) for method, path, _ in OPERATIONS}
GATEWAY_KINDS = {"bad-request", "uri-too-long", "headers-too-large", "gateway-timeout"}
"""Told by nginx alone, or by Starlette."""


def every_problem() -> list[Problem]:
    """Make one of each kind that the code can make."""
    arguments: dict[str, Any] = {
        "reasons": {"longUrl": "is required"}, "max_bytes": 1, "threshold": 1, "retry_after_s": 1,
        "headers": {},
    }  # fmt: skip
    made = [missing_query_authentication("apiKey"), too_many_requests(1, {})]
    for function in vars(problems).values():
        if (
            inspect.isfunction(function)
            and inspect.signature(function).return_annotation is Problem
        ):
            names = inspect.signature(function).parameters
            made.append(function(**{name: arguments.get(name, "text") for name in names}))
    return made


def test_it_is_made_of_the_code() -> None:
    """`make docs` makes the checked-in file."""
    assert json.loads(json.dumps(make_document())) == DOCUMENT


def test_each_route_is_described() -> None:
    """A route without a description, or the reverse, is an error of the start."""
    check_described(ROUTES)
    with pytest.raises(UndescribedError, match="/new"):
        check_described(ROUTES | {("GET", "/new")})
    with pytest.raises(UndescribedError, match="/tags"):
        check_described(ROUTES - {("PUT", "/tags")})


def test_each_operation_has_a_name_of_its_own() -> None:
    """Generated clients call it that."""
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names) == len(ROUTES)


def test_references_lead_somewhere() -> None:
    """No named type, answer or header is missing, and none is there for nothing."""
    text = json.dumps(DOCUMENT)
    for kind in ("schemas", "responses", "headers"):
        for name in DOCUMENT["components"][kind]:
            assert f'"#/components/{kind}/{name}"' in text, name
    for reference in text.split('"$ref": "#/')[1:]:
        part: Any = DOCUMENT
        for name in reference.split('"')[0].split("/"):
            part = part[name]


@pytest.mark.parametrize("problem", every_problem(), ids=lambda problem: str(problem.kind))
def test_problems_are_as_described(problem: Problem) -> None:
    """Status and members, and no others."""
    assert problem.status == PROBLEMS[problem.kind].status
    schema = DOCUMENT["components"]["schemas"][STRUCTS[problem.kind].__name__]
    content = json.loads(bytes(problem.response().body))
    jsonschema.validate(content, {**schema, "additionalProperties": False})


def test_each_kind_of_problem_is_made_somewhere() -> None:
    """None is described that nobody answers with."""
    made = {problem.kind for problem in every_problem()}
    assert made | GATEWAY_KINDS == set(PROBLEMS)


def test_types_of_queries_are_made_of_their_bounds() -> None:
    """A default is within what is allowed, and one of the words where there are words."""
    for method, path, operation in OPERATIONS:
        for parameter in operation["parameters"]:
            schema = parameter["schema"]
            if "default" in schema:
                jsonschema.validate(schema["default"], schema)
            assert schema.get("type"), (method, path, parameter["name"])


def test_the_page_shows_every_operation_and_type() -> None:
    """It needs neither scripts nor other hosts, and each link leads to what is on it."""
    page = render_page(DOCUMENT)
    assert "<script" not in page
    assert " src=" not in page
    assert 'href="http' not in page
    for name in [operation["operationId"] for _, _, operation in OPERATIONS]:
        assert f'<div id="{name}">' in page
    for link in page.split('href="#')[1:]:
        assert f'id="{link.split(chr(34))[0]}"' in page
