"""The redirect itself, in the order in which a request meets it: shape, look up, decide, record,
answer.

All requests of one event-loop turn go through together: one lookup in Redis, one write to the
spool. The click is on disk before its answer leaves; nothing here waits for the broker.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from redirector import pages
from redirector.answers import Answers, Decided
from redirector.click_recorder import ClickRecorder
from redirector.joiner import Joiner
from redirector.pages import Page
from redirector.request import Clock, Request
from redirector.scan_limit import ScanLimit
from redirector.stored_links import ResolveError
from redirector.visit import Visit, Visitor, deciding_link
from redirector.visit_charge import VisitCharge
from shared.link import Link, Outcome, unknown_link
from shared.link_cache import LinkKey
from shared.metrics import RedirectorMetrics
from shared.short_code import is_well_formed

LOOKUP_INTERVAL_S = 0.001
"""Between the beginnings of two lookups. From a thousand redirects a second on it makes turns
bigger: a tenth less processor time for each at full load, for half a millisecond of waiting
(docs/performance.md). Below that nobody waits."""

_NO_LINK = unknown_link()

log = structlog.get_logger()


class Resolver(Protocol):
    """What redirecting needs to find links."""

    async def find_cached(self, keys: Sequence[LinkKey]) -> Sequence[Link | None]:
        """Return what Redis has of each key, None for the rest; never fail."""

    async def find_stored(self, key: LinkKey) -> Link:
        """Return the link, or one that is not known; raise ResolveError when nobody can tell."""


class Redirect:
    """Answers short codes, and every other path with 404; see `take`.

    HEAD redirects and records nothing. While `max_waiting` visitors wait for their answers, more
    are told to try again at once: a redirect for some now is worth more than one for everybody
    too late. `qck_redirects_total{outcome="overloaded"}` counts those turned away, and
    `{outcome="scanning"}` those whom `scan_limit` stops.
    """

    def __init__(
        self,
        *,
        resolver: Resolver,
        visit_charge: VisitCharge,
        recorder: ClickRecorder,
        scan_limit: ScanLimit,
        own_pages: Mapping[str, Page],
        metrics: RedirectorMetrics,
        default_domain: str,
        status: int,
        max_waiting: int,
        clock: Clock,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._resolver = resolver
        self._visit_charge = visit_charge
        self._recorder = recorder
        self._scan_limit = scan_limit
        self._answers = Answers(recorder, scan_limit=scan_limit, metrics=metrics)
        self._own_pages = own_pages
        self._default_domain = default_domain
        self.status = status
        self._clock = clock
        self._tasks = tasks
        self._max_waiting = max_waiting
        self._waiting = 0
        # One lookup at a time: what comes during it makes the next one bigger, which costs less
        # than several small ones.
        self._joiner = Joiner(
            self._serve, tasks=tasks, max_in_flight=1, min_interval_s=LOOKUP_INTERVAL_S
        )
        # Who waited for the same statement is answered together: their clicks are one write.
        self._decided = Joiner(self._give, tasks=tasks, max_in_flight=1)

    def take(self, request: Request, visitor: Visitor) -> None:
        """Take a GET or HEAD request; the visitor is answered in this or a later turn, once."""
        path = request.path
        code = path[1:]
        if page := self._own_pages.get(path):
            visitor.show(page)
        elif code and "/" not in code:
            visit = Visit(request, visitor, code, self._default_domain)
            if self._scan_limit.stopped and self._scan_limit.stops(request.address):
                self._answers.give([(visit, Outcome.SCANNING, _NO_LINK)])
            elif not is_well_formed(code):
                self._answers.give([(visit, Outcome.UNKNOWN, _NO_LINK)])
            elif self._waiting >= self._max_waiting:
                self._answers.give([(visit, Outcome.OVERLOADED, _NO_LINK)])
            else:
                self._waiting += 1
                self._joiner.add(visit)
        else:
            lines: list[bytes] = []
            self._recorder.add_orphan(lines, request, "regular_404" if code else "base_url", "")
            self._recorder.write(lines)
            visitor.show(pages.NOT_FOUND)

    async def _serve(self, visits: list[Visit]) -> None:
        """Answer those whose links are cached; the others go on by themselves."""
        keys = [key for visit in visits for key in visit.keys]
        links = iter(await self._resolver.find_cached(keys))
        now_ms = round(self._clock() * 1000)
        decided: list[Decided] = []
        for visit in visits:
            cached = [next(links) for _ in visit.keys]
            link = deciding_link(cached)
            if link is None or link.has_visit_limit:
                self._tasks.create_task(self._serve_alone(visit, cached))
            else:
                decided.append((visit, link.decide(now_ms), link))
        self._waiting -= len(decided)
        self._answers.give(decided)

    async def _serve_alone(self, visit: Visit, cached: Sequence[Link | None]) -> None:
        """Answer a visit that needs PostgreSQL, for its link or for the visits left of it."""
        link, outcome = _NO_LINK, Outcome.UNKNOWN
        try:
            for key, found in zip(visit.keys, cached, strict=True):
                link = found or await self._resolver.find_stored(key)
                if link.is_known:
                    break
            outcome = link.decide(round(self._clock() * 1000))
            if outcome is Outcome.REDIRECT and link.has_visit_limit:
                outcome = await self._visit_charge.charge(visit.request, link.link_id)
        except ResolveError:
            outcome = Outcome.UNAVAILABLE
        except Exception:
            log.exception("redirect_failed")
            self._waiting -= 1
            visit.visitor.show(pages.FAILED)
            return
        self._decided.add((visit, outcome, link))

    async def _give(self, decided: list[Decided]) -> None:
        self._waiting -= len(decided)
        self._answers.give(decided)
