"""One visit on its way to its answer: whom that goes to, and which link decides it."""

import time
from collections.abc import Sequence
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


class Resolver(Protocol):
    """What visits need to find their links."""

    async def find_cached(self, keys: Sequence[LinkKey]) -> Sequence[Link | None]:
        """Return what Redis has of each key, None for the rest; never fail."""

    async def find_stored(self, key: LinkKey) -> Link:
        """Return the link, or one that is not known; raise ResolveError when nobody can tell."""


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


async def completed_link(visit: Visit, cached: Sequence[Link | None], resolver: Resolver) -> Link:
    """Return the link of a visit likewise, and find what is not cached of it.

    Raises:
        ResolveError: nobody can tell.
    """
    link = unknown_link()
    for key, found in zip(visit.keys, cached, strict=True):
        link = found or await resolver.find_stored(key)
        if link.is_known:
            break
    return link
