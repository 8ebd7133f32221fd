"""Cross-origin requests: web consoles of other origins may call the API and read every answer.

Keys travel in a header that no browser adds by itself, so allowing any origin lets nobody in.
"""

from collections.abc import Collection, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ANY = "*"
MAX_AGE_S = 3600
_FALLBACK_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_EXPOSED = (
    "X-Request-Id, Retry-After, ETag, Content-Disposition, Idempotency-Replayed, RateLimit,"
    " RateLimit-Policy"
)


class Cors:
    """ASGI middleware: answers preflights, and adds to all other answers who may read them."""

    def __init__(
        self, app: ASGIApp, *, origins: Collection[str], routes: Collection[Route]
    ) -> None:
        self._app = app
        self._origins = origins
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        allowed = self._allowed(headers.get("Origin"))

        async def send_allowed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(allowed)
            await send(message)

        if scope["method"] == "OPTIONS" and not _is_operational(scope["path"]):
            await self._preflight(scope, headers)(scope, receive, send_allowed)
        else:
            await self._app(scope, receive, send_allowed)

    def _allowed(self, origin: str | None) -> Mapping[str, str]:
        if origin is None:
            return {}
        expose = {"Access-Control-Expose-Headers": _EXPOSED}
        if ANY in self._origins:
            return {"Access-Control-Allow-Origin": ANY, **expose}
        if origin in self._origins:
            return {"Access-Control-Allow-Origin": origin, "Vary": "Origin", **expose}
        return {"Vary": "Origin"}

    def _preflight(self, scope: Scope, headers: Headers) -> Response:
        methods = ",".join(self._methods(scope))
        answer = Response(status_code=204, headers={"Allow": methods})
        if "Origin" in headers:
            answer.headers["Access-Control-Allow-Methods"] = methods
            answer.headers["Access-Control-Max-Age"] = str(MAX_AGE_S)
            if asked := headers.get("Access-Control-Request-Headers"):
                answer.headers["Access-Control-Allow-Headers"] = asked
        return answer

    def _methods(self, scope: Scope) -> Collection[str]:
        """Return the methods of the path; where several routes have it, those of all of them."""
        found: set[str] = set()
        for route in self._routes:
            if route.matches(dict(scope))[0] != Match.NONE:
                found |= route.methods or set()
        return [name for name in _FALLBACK_METHODS if name in found] or _FALLBACK_METHODS


def _is_operational(path: str) -> bool:
    return not path.startswith("/rest/")
