"""Answers that are problems: by status, each with the kinds that it may have."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from shortener.openapi.headers import header_references
from shortener.openapi.operation import Operation
from shortener.openapi.problem_types import PROBLEMS, STRUCTS
from shortener.openapi.schemas import Schemas

MEDIA_TYPE = "application/problem+json"

DESCRIPTIONS: Mapping[int, str] = {
    400: "The request is wrong; nothing was changed.",
    401: "No API key, or none that is valid.",
    403: "The API key is not for this.",
    404: "There is no such thing, or the API key may not see it.",
    405: "The path has no such method.",
    409: "It is in the way of something that is there.",
    412: "It was changed, created or deleted since.",
    413: "The body is too large.",
    414: "The address is too long.",
    422: "The request is right, but cannot be carried out.",
    429: "The API key has used up its share.",
    431: "The headers are too large.",
    500: "Something broke that nobody foresaw.",
    501: "There is none, and will not be.",
    503: "Not at the moment.",
    504: "There was no answer in time; the request may have been carried out.",
}

HEADERS: Mapping[int, tuple[str, ...]] = {
    405: ("Allow",), 429: ("Retry-After",), 503: ("Retry-After",),
}  # fmt: skip

_ALWAYS = (
    "bad-request", "not-found", "method-not-allowed", "uri-too-long", "headers-too-large",
    "internal-server-error", "service-unavailable", "gateway-timeout",
)  # fmt: skip


class ProblemAnswers:
    """Collects in `components` what operations share."""

    def __init__(self, schemas: Schemas) -> None:
        self.components: dict[str, dict[str, Any]] = {}
        self._schemas = schemas

    def of(self, operation: Operation) -> dict[int, dict[str, Any]]:
        """Return by status references to the answers of an operation that are problems."""
        kinds: defaultdict[int, list[str]] = defaultdict(list)
        for kind in dict.fromkeys((*_implied(operation), *operation.problems, *_ALWAYS)):
            kinds[PROBLEMS[kind].status].append(kind)
        return {status: self._reference(status, names) for status, names in kinds.items()}

    def _reference(self, status: int, kinds: list[str]) -> dict[str, Any]:
        structs = [STRUCTS[kind] for kind in kinds]
        name = "Or".join(struct.__name__.removesuffix("Problem") for struct in structs)
        schemas = [self._schemas.of(struct) for struct in structs]
        schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        self.components[name] = {
            "description": DESCRIPTIONS[status],
            "headers": header_references("X-Request-Id", *HEADERS.get(status, ())),
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        return {"$ref": f"#/components/responses/{name}"}


def _implied(operation: Operation) -> Iterator[str]:
    if operation.query or operation.body is not None or operation.headers:
        yield "invalid-data"
    if operation.body is not None:
        yield from ("malformed-request-body", "payload-too-large")
    if operation.key:
        yield from ("missing-authentication", "invalid-api-key", "too-many-requests")
