"""The OpenAPI 3.1 document: what is described of each route, with what all of them share."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from shortener.openapi.headers import ANSWER_HEADERS, REQUEST_HEADERS, header_references
from shortener.openapi.many_short_urls import MANY_SHORT_URLS
from shortener.openapi.members import PATH_PARAMETERS
from shortener.openapi.operation import JSON, Content, Operation, Operations
from shortener.openapi.problem_answers import ProblemAnswers
from shortener.openapi.problem_types import STRUCTS, Problem
from shortener.openapi.schemas import Schemas
from shortener.openapi.service import SERVICE
from shortener.openapi.short_url_parts import SHORT_URL_PARTS
from shortener.openapi.short_urls import SHORT_URLS
from shortener.openapi.tags_and_domains import DOMAINS, TAGS
from shortener.openapi.visits import VISITS

GROUPS: Mapping[str, Operations] = {
    "Short URLs": SHORT_URLS,
    "Rules and QR codes": SHORT_URL_PARTS,
    "Many at once": MANY_SHORT_URLS,
    "Tags": TAGS,
    "Domains": DOMAINS,
    "Visits": VISITS,
    "Service": SERVICE,
}

BASE = "/rest/v3"

_INFO = {
    "title": "qck",
    "version": "3",
    "summary": "Short URLs, their visits, tags and domains.",
    "description": (
        "Compatible with Shlink's REST API: `/rest/v1` and `/rest/v2` mean the same as `/rest/v3`."
        " Every error is a problem details object (RFC 9457), whose `type` tells its kind."
        " Members may be added to answers: ignore what you do not know. Values in queries and"
        " bodies may be strings where numbers or booleans are meant."
    ),
}
_SECURITY = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "ApiKeyInQuery": {"type": "apiKey", "in": "query", "name": "apiKey"},
}


class UndescribedError(Exception):
    """Routes and descriptions differ; str() says where."""


def check_described(routes: Collection[tuple[str, str]]) -> None:
    """Compare the routes, given as methods and paths, with what is described.

    Raises:
        UndescribedError: a route is not described, or what is described is no route.
    """
    described = {key for operations in GROUPS.values() for key in operations}
    if different := described.symmetric_difference(routes):
        raise UndescribedError(f"routed or described, but not both: {sorted(different)}")


def make_document() -> dict[str, Any]:
    """Return the document, ready to be JSON."""
    schemas = Schemas([*_types()])
    problems = ProblemAnswers(schemas)
    paths: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for group, operations in GROUPS.items():
        for (method, path), operation in operations.items():
            paths[path][method.lower()] = _operation(
                group, method, path, operation, schemas, problems
            )
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "servers": [{"url": BASE}],
        "tags": [{"name": group} for group in GROUPS],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": problems.components,
            "headers": ANSWER_HEADERS,
            "securitySchemes": _SECURITY,
        },
    }


def _types() -> Iterator[Any]:
    yield from (Problem, *STRUCTS.values())
    for operations in GROUPS.values():
        for operation in operations.values():
            for content in (*operation.answers.values(), operation.body):
                yield from content.types.values() if content is not None else ()


def _operation(
    group: str,
    method: str,
    path: str,
    operation: Operation,
    schemas: Schemas,
    problems: ProblemAnswers,
) -> dict[str, Any]:
    is_tagged = method == "GET" and any(JSON in each.types for each in operation.answers.values())
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [group],
        "summary": operation.summary,
    }
    if operation.description:
        described["description"] = operation.description
    if security := {"header": "ApiKey", "query": "ApiKeyInQuery"}.get(operation.key or ""):
        described["security"] = [{security: []}]
    headers = [*operation.headers, *(["If-None-Match"] if is_tagged else [])]
    described["parameters"] = [
        *(_path_parameter(name) for name in PATH_PARAMETERS if f"{{{name}}}" in path),
        *_query_parameters(operation, schemas),
        *({"name": name, "in": "header", **REQUEST_HEADERS[name]} for name in headers),
    ]
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            **_text("description", operation.body.description),
            "content": _content(operation.body, schemas),
        }
    described["responses"] = _responses(operation, schemas, problems, is_tagged)
    return described


def _path_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    described = {"description": PATH_PARAMETERS[name], "schema": schema}
    return {"name": name, "in": "path", "required": True, **described}


def _query_parameters(operation: Operation, schemas: Schemas) -> Iterator[dict[str, Any]]:
    for struct in operation.query:
        properties, required = schemas.members(struct)
        for name, schema in properties.items():
            yield {
                "name": name,
                "in": "query",
                **_text("description", schema.pop("description", "")),
                **({"required": True} if name in required else {}),
                "schema": schema,
            }


def _responses(
    operation: Operation, schemas: Schemas, problems: ProblemAnswers, is_tagged: bool
) -> dict[str, Any]:
    responses = problems.of(operation)
    for status, content in operation.answers.items():
        always = ["X-Request-Id", *(["RateLimit-Policy", "RateLimit"] if operation.key else [])]
        always += ["ETag"] if is_tagged else []
        media = _content(content, schemas)
        if status in responses:  # a failure that has its own form, unless the gateway tells it
            media |= problems.components[responses[status]["$ref"].rpartition("/")[2]]["content"]
        responses[status] = {
            "description": content.description,
            "headers": header_references(*always, *content.headers),
            **({"content": media} if media else {}),
        }
    if is_tagged:
        headers = header_references("X-Request-Id", "ETag")
        responses[304] = {"description": "The caller has it.", "headers": headers}
    return {str(status): responses[status] for status in sorted(responses)}


def _content(content: Content, schemas: Schemas) -> dict[str, Any]:
    described = {media: {"schema": schemas.of(each)} for media, each in content.types.items()}
    if content.example is not None:
        described[JSON]["example"] = content.example
    return described


def _text(name: str, text: str) -> dict[str, str]:
    return {name: text} if text else {}
