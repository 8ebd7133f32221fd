"""Calling an ASGI application without a server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


async def call(
    app: Any,
    target: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request for `target` (path and query, percent-encoded as on the wire)."""
    raw_path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": unquote(raw_path),
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "headers": [
            (name.lower().encode(), value.encode("utf-8"))
            for name, value in {"host": "go.test", **(headers or {})}.items()
        ],
        "client": ("127.0.0.1", 1),
    }
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in messages[1:])
    response_headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return Answer(messages[0]["status"], response_headers, body)
