"""How exceptions become answers.

Clients of Shlink parse every error as JSON, so none is anything but a problem. What nobody foresaw
is logged with its traceback and answered without any detail of the inside.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortener.idempotency import KeyReusedError
from shortener.link_change import LinkChangedError, LinkNotFoundError
from shortener.link_creation import NoFreeCodeError, ShortCodeTakenError
from shortener.link_deletion import TooManyVisitsError
from shortener.link_edit import ValidityOrderError
from shortener.problems import (
    Problem,
    idempotency_key_reused,
    internal_server_error,
    invalid_data,
    method_not_allowed,
    no_free_code,
    non_unique_slug,
    not_found,
    precondition_failed,
    service_unavailable,
    short_url_not_found,
    undeletable_short_url,
)
from shortener.transactions import DatabaseUnavailableError

log = structlog.get_logger()


async def answer_unavailable(request: Request, error: Exception) -> Response:
    """Answer that PostgreSQL is away; Redis alone cannot cause this."""
    log.warning("request_unavailable", path=request.scope["path"], reason=str(error))
    return service_unavailable(str(error)).response()


async def answer_routing_error(request: Request, error: Exception) -> Response:
    """Answer an unknown path or a wrong method, which Starlette finds."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    # Not request.url: making it fails on a malformed Host header.
    path = request.scope["path"]
    if error.status_code == 405:
        allowed = ", ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))
        return method_not_allowed(path, request.method, allowed).response()
    if error.status_code == 404:
        return not_found(path).response()
    return Problem("bad-request", error.status_code, error.detail, error.detail).response()


def _answer(problem_of: Callable[[Any], Problem]) -> Callable[[Request, Any], Awaitable[Response]]:
    async def answer(_: Request, error: Any) -> Response:
        return problem_of(error).response()

    return answer


EXCEPTION_HANDLERS: dict[Any, Any] = {
    Problem: _answer(lambda problem: problem),
    LinkNotFoundError: _answer(lambda error: short_url_not_found(error.key[1], error.key[0])),
    LinkChangedError: _answer(lambda _: precondition_failed()),
    ShortCodeTakenError: _answer(lambda error: non_unique_slug(error.key[1], error.key[0])),
    NoFreeCodeError: _answer(lambda _: no_free_code()),
    ValidityOrderError: _answer(lambda _: invalid_data({"validUntil": "is before validSince"})),
    TooManyVisitsError: _answer(
        lambda error: undeletable_short_url(error.key[1], error.key[0], error.threshold)
    ),
    KeyReusedError: _answer(lambda error: idempotency_key_reused(error.key)),
    DatabaseUnavailableError: answer_unavailable,
    HTTPException: answer_routing_error,
}
"""For Starlette: the exceptions that are answers. Errors of tags and domains are worded by the one
resource that meets them."""


class UnexpectedErrors:
    """ASGI middleware: turns what nobody caught into a problem; inside of it all errors are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_started = False

        async def watch(message: Message) -> None:
            nonlocal is_started
            is_started = is_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:
            return  # nobody is left to answer
        except Exception:
            log.exception("request_failed", method=scope["method"], path=scope["path"])
            if is_started:
                raise
            await internal_server_error().response()(scope, receive, send)
