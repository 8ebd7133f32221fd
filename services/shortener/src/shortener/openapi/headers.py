"""The headers that mean something to callers, and what they say."""

from collections.abc import Mapping
from typing import Any

_TEXT = {"type": "string"}

REQUEST_HEADERS: Mapping[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "description": "Names the request: sent again with it, it is carried out only once and"
        " gets the same answer.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    },
    "If-Match": {
        "description": "An ETag of the short URL, or `*`: refuse if it was changed since.",
        "schema": _TEXT,
    },
    "If-None-Match": {
        "description": "ETags of answers that the caller has; an unchanged one is 304.",
        "schema": _TEXT,
    },
}

ANSWER_HEADERS: Mapping[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "The caller's, if it sent one; the logs have it too.",
        "required": True,
        "schema": _TEXT,
    },
    "ETag": {"description": "What the answer is known by.", "schema": _TEXT},
    "RateLimit": {
        "description": 'What the key may still send: `"key";r=5999;t=1`. Not there without limit.',
        "schema": _TEXT,
    },
    "RateLimit-Policy": {
        "description": 'What the key may send in how many seconds: `"key";q=6000;w=60`.',
        "schema": _TEXT,
    },
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "Allow": {"description": "The methods that there are.", "required": True, "schema": _TEXT},
    "Idempotency-Replayed": {
        "description": "Present, and `true`, if the answer was given before.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Content-Disposition": {
        "description": "A file name.", "required": True, "schema": _TEXT,
    },
}  # fmt: skip


def header_references(*names: str) -> dict[str, Any]:
    """Return references to these headers of answers."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
