"""`/robots.txt`: the crawlable short URLs of the domain that is asked, and nothing else.

Crawlers ask for it again and again, and anybody can for any host, so what it costs is bounded:
one statement at a time, each for a few domains, answers kept for half a minute, and one answer for
all hosts that have no links of their own.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from urllib.parse import quote

import structlog

from redirector import pages
from redirector.joined_lookup import JoinedLookup
from redirector.pages import Page, plain_text
from redirector.request import Request
from redirector.visit import Visitor

MAX_CODES = 5000
"""With random codes that is 80 kB, and takes 8 ms to make."""

MAX_BYTES = 480_000
"""Search engines read 500 KiB of the file."""

KEPT_S = 30.0
KEPT_DOMAINS = 8
MAX_AGE_S = 600
DOMAINS_AT_ONCE = 4
STATEMENT_INTERVAL_S = 0.02
MAX_WAITING = 100

PATH = "/robots.txt"

log = structlog.get_logger()


class Crawlable(Protocol):
    """Where crawlable links are."""

    async def find(self, domains: Sequence[str], limit: int) -> Mapping[str, Sequence[str]]:
        """Return the first codes of each domain."""


class Robots:
    """Answers `/robots.txt`; while PostgreSQL is away with what it knew, else "come again"."""

    def __init__(
        self,
        crawlable: Crawlable,
        *,
        user_agents: Sequence[str],
        allows_all: bool,
        default_domain: str,
        timeout_s: float,
        tasks: asyncio.TaskGroup,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._crawlable = crawlable
        self._user_agents = user_agents
        self._allows_all = allows_all
        self._default_domain = default_domain
        self._timeout_s = timeout_s
        self._tasks = tasks
        self._clock = clock
        self._waiting = 0
        self._default_codes: Sequence[str] = ()
        self._default = (0.0, pages.UNAVAILABLE)
        self._kept: OrderedDict[str, tuple[float, Page]] = OrderedDict()
        self._lookup = JoinedLookup(
            self._load,
            tasks=tasks,
            max_in_flight=1,
            max_batch=DOMAINS_AT_ONCE,
            min_interval_s=STATEMENT_INTERVAL_S,
        )

    def take(self, request: Request, visitor: Visitor) -> None:
        """Answer a request, now or in a later turn."""
        domain = "" if request.host == self._default_domain else request.host
        if self._allows_all:
            visitor.show(self._page(["Disallow: /rest/"]))
            return
        unknown = (0.0, pages.UNAVAILABLE)
        kept_until, page = self._kept.get(domain, unknown) if domain else self._default
        if self._clock() < kept_until or self._waiting >= MAX_WAITING:
            visitor.show(page)
        else:
            self._waiting += 1
            lookup = self._lookup.get(domain)
            lookup.add_done_callback(self._ended)
            self._tasks.create_task(self._serve(page, visitor, lookup))

    async def _serve(self, page: Page, visitor: Visitor, lookup: "asyncio.Future[Page]") -> None:
        try:
            # Visitors do not wait for those before them: nginx would take us for dead.
            async with asyncio.timeout(self._timeout_s):
                page = await asyncio.shield(lookup)
        except Exception as error:  # PostgreSQL is away or slow: crawlers come again
            log.debug("robots_not_read", reason=repr(error))
        visitor.show(page)

    def _ended(self, lookup: "asyncio.Future[Page]") -> None:
        self._waiting -= 1
        if not lookup.cancelled():
            lookup.exception()  # whoever waited has it, or has gone

    async def _load(self, domains: list[str]) -> list[Page]:
        wanted = domains if self._clock() < self._default[0] else [*{"", *domains}]
        async with asyncio.timeout(self._timeout_s):
            found = await self._crawlable.find(wanted, MAX_CODES)
        kept_until = self._clock() + KEPT_S
        if "" in found:
            self._default_codes = found[""]
            self._default = (kept_until, self._allowing({*found[""]}))
        loaded = []
        for domain in domains:
            page = self._default[1]
            if domain and found[domain]:
                # What is on the default domain answers on every other one, too.
                page = self._allowing({*self._default_codes, *found[domain]})
                self._kept[domain] = (kept_until, page)
                self._kept.move_to_end(domain)
            loaded.append(page)
        while len(self._kept) > KEPT_DOMAINS:
            self._kept.popitem(last=False)
        return loaded

    def _allowing(self, codes: set[str]) -> Page:
        lines, size = [], 0
        for code in sorted(codes)[:MAX_CODES]:
            line = f"Allow: /{quote(code)}"
            size += len(line) + 1
            if size > MAX_BYTES:
                break
            lines.append(line)
        return self._page([*lines, "Disallow: /"])

    def _page(self, rules: Sequence[str]) -> Page:
        agents = [f"User-agent: {agent}" for agent in self._user_agents]
        return plain_text("\n".join([*agents, *rules, ""]), max_age_s=MAX_AGE_S)
