"""One visit on its way through the redirect, and whom the answer goes to."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from redirector.pages import Page
from redirector.request import Request
from shared.link import Link, unknown_link
from shared.link_cache import LinkKey


class Visitor(Protocol):
    """Who waits for the answer to one request; is answered once."""

    def redirect(self, location: str) -> None:
        """Answer with a redirect."""

    def show(self, page: Page) -> None:
        """Answer with a page."""


class Visit:
    """A request for a short code, and when it came.

    `keys` are where its link may be, the best one first: on the domain that was asked, else on the
    default one. `extra_path` goes behind that of the long URL.
    """

    __slots__ = ("code", "extra_path", "keys", "request", "started", "visitor")

    def __init__(
        self,
        request: Request,
        visitor: Visitor,
        code: str,
        default_domain: str,
        extra_path: bytes = b"",
    ) -> None:
        self.started = time.perf_counter()
        self.request = request
        self.visitor = visitor
        self.code = code
        self.extra_path = extra_path
        is_default = request.host == default_domain
        self.keys: Sequence[LinkKey] = (
            (("", code),) if is_default else ((request.host, code), ("", code))
        )


def deciding_link(cached: Sequence[Link | None]) -> Link | None:
    """Return the link of a visit, given what is cached of its keys; None if that cannot tell.

    The first link that is known decides; if none is, the last one.
    """
    link: Link | None = None
    for link in cached:
        if link is None or link.is_known:
            break
    return link


async def completed_link(
    keys: Sequence[LinkKey],
    cached: Sequence[Link | None],
    find_stored: Callable[[LinkKey], Awaitable[Link]],
) -> Link:
    """Return the link of a visit likewise, and ask `find_stored` for what is not cached of it."""
    link = unknown_link()
    for key, found in zip(keys, cached, strict=True):
        link = found or await find_stored(key)
        if link.is_known:
            break
    return link
