"""Reads that say what they are known by, and that send nothing which the caller has already.

Every JSON answer to a GET has an `ETag`, of its own or made of its bytes here. A caller that has
it (`If-None-Match`) gets 304. Streams pass untouched.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortener.entity_tags import is_among, tag_of

_KEPT = (b"etag", b"cache-control", b"vary", b"access-control")
_NOT_STORED = "private, no-cache"
"""A cache may keep the answer, but has to ask each time whether it still holds."""


class ConditionalReads:
    """ASGI middleware; holds an answer's start back until its body shows whether it is whole."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        if_none_match = Headers(scope=scope).get("if-none-match", "")
        start: Message | None = None

        async def hold(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _may_have_tag(message):
                start = message
                return
            if start is not None and message["type"] == "http.response.body":
                held, start = start, None
                if not message.get("more_body"):
                    held, message = _tagged(held, message, if_none_match)
                await send(held)
            await send(message)

        await self._app(scope, receive, hold)


def _may_have_tag(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    is_json = headers.get("content-type", "").startswith("application/json")
    return start["status"] == 200 and (is_json or "etag" in headers)


def _tagged(start: Message, body: Message, if_none_match: str) -> tuple[Message, Message]:
    headers = MutableHeaders(raw=list(start["headers"]))
    tag = headers.setdefault("ETag", tag_of(body.get("body", b"")))
    headers.setdefault("Cache-Control", _NOT_STORED)
    if not (if_none_match and is_among(tag, if_none_match)):
        return {**start, "headers": headers.raw}, body
    kept = [item for item in headers.raw if item[0].startswith(_KEPT)]
    return {**start, "status": 304, "headers": kept}, {**body, "body": b""}
