"""What is said of one operation; everything that all of them share, `document` adds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import msgspec

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Content:
    """A body: by media type the type of its JSON, or `str` and `bytes` for what is not JSON."""

    description: str
    types: Mapping[str, Any] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    """Names in `headers.ANSWER_HEADERS`."""
    example: Any = None
    """Of the JSON, to be sent as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path."""

    name: str
    """What generated clients call it."""
    summary: str
    description: str = ""
    answers: Mapping[int, Content]
    query: tuple[type[msgspec.Struct], ...] = ()
    """Their members are the parameters; required ones have no default."""
    headers: tuple[str, ...] = ()
    """Names in `headers.REQUEST_HEADERS`."""
    body: Content | None = None
    problems: tuple[str, ...] = ()
    """Kinds in `problem_types.PROBLEMS`, beside those that the query, a body and the key imply."""
    key: Literal["header", "query"] | None = "header"


Operations = Mapping[tuple[str, str], Operation]
"""By method and path, as in the route table."""


def answer(content: Any, description: str = "Done.") -> Mapping[int, Content]:
    """Say that the answer is 200 with this type as JSON."""
    return {200: Content(description, {JSON: content})}


def within(member: str, content: Any, description: str = "Found.") -> Mapping[int, Content]:
    """Say that the answer is 200 with an object that has but this member."""
    return answer(_envelope(member, content), description)


def nothing(description: str) -> Mapping[int, Content]:
    """Say that the answer is 204."""
    return {204: Content(description)}


def json_body(content: Any, example: Any) -> Content:
    """Say that the request has this type as JSON, for example this."""
    return Content("", {JSON: content}, example=example)


@cache
def _envelope(member: str, content: Any) -> type[msgspec.Struct]:
    name = f"{_name_of(content)}Envelope"
    return msgspec.defstruct(name, [(member, content)], module=__name__)


def _name_of(content: Any) -> str:
    arguments = getattr(content, "__args__", ())
    origin = getattr(content, "__origin__", content)
    name = str(origin.__name__)
    return "".join(map(_name_of, arguments)) + name[0].upper() + name[1:]
