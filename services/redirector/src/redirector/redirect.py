"""The hot path: one ASGI object that answers `GET /{short_code}`.

It reads in the order in which a request meets it: shape, resolve, decide, record, answer. The
click is on disk before the answer leaves; nothing here waits for the broker.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import quote, unquote_to_bytes

from redirector import pages
from redirector.click import ClickMaker, Clock, IncomingRequest
from redirector.resolver import LinkKey, ResolveError
from shared.click_event import ClickType, encode_line
from shared.link import Link, Outcome
from shared.metrics import RedirectorMetrics
from shared.short_code import MAX_LENGTH, is_well_formed

Send = Callable[[Any], Awaitable[None]]

# Everything but `#`, quotes, angle brackets, space, controls and bytes above ASCII.
_SAFE_IN_QUERY = "%/?:@!$&'()*+,;=-._~[]|\\^`{}"


class LinkResolver(Protocol):
    """What redirecting needs to find a link."""

    async def resolve(self, key: LinkKey) -> Link:
        """Return the link, or one that is not known; raise ResolveError when nobody can tell."""


class VisitTaker(Protocol):
    """What redirecting needs for links with a visit limit."""

    async def take(self, link_id: int) -> bool:
        """Take one visit, if there is one."""

    async def has_left(self, link_id: int) -> bool:
        """Tell whether there is one."""


class Spool(Protocol):
    """What recording needs."""

    def append(self, line: bytes) -> bool:
        """Put the line on disk, or shed and count it."""


class Redirect:
    """Answers every path that nothing else owns: short codes, and the 404 of all else.

    GET and HEAD only. HEAD redirects and records nothing. Bots, previews and prefetches are
    redirected without taking a visit of a limited link. Unknown, expired and exhausted codes are
    one 404, told apart in the metrics.
    """

    __slots__ = (
        "_click_maker", "_clock", "_default_domain", "_headers", "_is_bot", "_metrics",
        "_resolver", "_spool", "_status", "_track_orphans", "_visit_taker",
    )  # fmt: skip

    def __init__(
        self,
        *,
        resolver: LinkResolver,
        visit_taker: VisitTaker,
        spool: Spool,
        click_maker: ClickMaker,
        metrics: RedirectorMetrics,
        is_bot: Callable[[str], bool],
        default_domain: str,
        status: int,
        track_orphans: bool,
        clock: Clock,
    ) -> None:
        self._resolver = resolver
        self._visit_taker = visit_taker
        self._spool = spool
        self._click_maker = click_maker
        self._metrics = metrics
        self._is_bot = is_bot
        self._default_domain = default_domain
        self._status = status
        self._track_orphans = track_orphans
        self._clock = clock
        # A cached redirect loses clicks and hides edits (docs/adr/0003).
        self._headers = [(b"cache-control", b"private, no-store"), (b"content-length", b"0")]

    async def __call__(self, scope: Any, receive: object, send: Send) -> None:
        """Serve one request."""
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            return await pages.METHOD_NOT_ALLOWED.send(send)
        started = time.perf_counter()
        request = IncomingRequest(scope, self._clock)
        code = request.path[1:]
        if "/" in code or not code:
            self._record_orphan(request, "regular_404" if code else "base_url", "", method)
            return await pages.NOT_FOUND.send(send)

        outcome, link = await self._find(request, code, method)

        self._metrics.redirects[outcome].inc()
        self._metrics.redirect_duration.observe(time.perf_counter() - started)
        if outcome is Outcome.UNAVAILABLE:
            return await pages.UNAVAILABLE.send(send)
        if outcome is not Outcome.REDIRECT:
            self._record_orphan(request, "invalid_short_url", code[:MAX_LENGTH], method)
            return await pages.NOT_FOUND.send(send)
        location = link.location
        if request.query and link.forward_query:
            location = merge_query(location, request.query)
        if method == "GET":
            self._record(request, "link", code, link.link_id, location)
        await self._answer(send, location)

    async def _find(
        self, request: IncomingRequest, code: str, method: str
    ) -> tuple[Outcome, Link]:
        """Resolve the code on the request's domain, else on the default one, and decide."""
        if not is_well_formed(code):
            return Outcome.UNKNOWN, _NO_LINK
        try:
            link = _NO_LINK
            if request.host != self._default_domain:
                link = await self._resolver.resolve((request.host, code))
            if not link.is_known:
                link = await self._resolver.resolve(("", code))
            outcome = link.decide(round(self._clock() * 1000))
            if outcome is Outcome.REDIRECT and link.has_visit_limit:
                outcome = await self._decide_limited(request, link, method)
            return outcome, link
        except ResolveError:
            return Outcome.UNAVAILABLE, _NO_LINK

    async def _decide_limited(self, request: IncomingRequest, link: Link, method: str) -> Outcome:
        header = request.headers.get
        is_charged = (
            method == "GET"
            and b"prefetch" not in header(b"sec-purpose", b"")
            and not self._is_bot(header(b"user-agent", b"").decode("latin-1"))
        )
        ask = self._visit_taker.take if is_charged else self._visit_taker.has_left
        try:
            return Outcome.REDIRECT if await ask(link.link_id) else Outcome.EXHAUSTED
        except Exception:  # only PostgreSQL can tell, and it does not answer
            self._metrics.database_errors.inc()
            return Outcome.UNAVAILABLE

    def _record_orphan(
        self, request: IncomingRequest, kind: ClickType, code: str, method: str
    ) -> None:
        if self._track_orphans and method == "GET":
            self._record(request, kind, code.replace("\0", ""), None, None)

    def _record(
        self,
        request: IncomingRequest,
        kind: ClickType,
        code: str,
        link_id: int | None,
        location: str | None,
    ) -> None:
        click = self._click_maker.make(
            request, kind=kind, short_code=code, link_id=link_id, redirect_url=location
        )
        self._spool.append(encode_line(click))

    async def _answer(self, send: Send, location: str) -> None:
        headers = [(b"location", location.encode("ascii")), *self._headers]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


_NO_LINK = Link(version=0, link_id=0)


def merge_query(location: str, query: bytes) -> str:
    """Merge a request's query string over that of the long URL: on the same name it wins.

    Bytes that may not stand in a URL are percent-encoded; all others are kept as they came.
    """
    incoming = quote(query, safe=_SAFE_IN_QUERY)
    names = {_name(pair) for pair in incoming.split("&")}
    base, hash_sign, fragment = location.partition("#")
    path, _, own = base.partition("?")
    kept = [pair for pair in own.split("&") if pair and _name(pair) not in names]
    return f"{path}?{'&'.join([*kept, incoming])}{hash_sign}{fragment}"


def _name(pair: str) -> bytes:
    return unquote_to_bytes(pair.partition("=")[0].replace("+", " "))
