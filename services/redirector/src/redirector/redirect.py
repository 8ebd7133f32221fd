"""The redirect itself, in the order in which a request meets it: shape, look up, decide, record,
answer.

All requests of one event-loop turn go through together: one lookup in Redis, one write to the
spool. The click is on disk before its answer leaves; nothing here waits for the broker.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from redirector.answers import Answers, Decided
from redirector.forwarded_path import Mode
from redirector.joiner import Joiner
from redirector.not_found import NotFound
from redirector.pixel import PATH_END as PIXEL_END
from redirector.pixel import TrackingPixel
from redirector.request import Clock, Request
from redirector.scan_limit import ScanLimit
from redirector.stored_links import ResolveError
from redirector.visit import Resolver, Visit, Visitor, completed_link, deciding_link
from redirector.visit_charge import VisitCharge
from shared.link import Link, Outcome, unknown_link
from shared.metrics import RedirectorMetrics
from shared.short_code import is_well_formed

LOOKUP_INTERVAL_S = 0.001
"""Between the beginnings of two lookups. From a thousand redirects a second on it makes turns
bigger: a tenth less processor time for each at full load, for half a millisecond of waiting
(docs/performance.md). Below that nobody waits."""

ANSWER_WITHIN_S = 1.5
"""For all that a visit needs of PostgreSQL: its link, and one of the visits left of it. After 2 s
nginx asks the next replica, which would take another one."""

_NO_LINK = unknown_link()


OwnPath = Callable[[Request, Visitor], object]
"""Answers requests for a path of our own."""


class Redirect:
    """Answers short codes, with a slash behind them too, and all other paths; see `take`.

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
        answers: Answers,
        not_found: NotFound,
        scan_limit: ScanLimit,
        pixel: TrackingPixel,
        own_paths: Mapping[str, OwnPath],
        metrics: RedirectorMetrics,
        default_domain: str,
        extra_path_mode: Mode,
        status: int,
        max_waiting: int,
        clock: Clock,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._resolver = resolver
        self._visit_charge = visit_charge
        self._answers = answers
        self._not_found = not_found
        self._scan_limit = scan_limit
        self._pixel = pixel
        self._own_paths = own_paths
        self._metrics = metrics
        self._default_domain = default_domain
        self._extra_path_mode = extra_path_mode
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

    @property
    def waiting(self) -> int:
        """How many visitors wait for their answers."""
        return self._waiting

    def take(self, request: Request, visitor: Visitor) -> None:
        """Take a GET or HEAD request; the visitor is answered in this or a later turn, once."""
        path = request.path
        code = path[1:]
        if own := self._own_paths.get(path):
            own(request, visitor)
        elif self._scan_limit.stopped and self._scan_limit.stops(request.address):
            visit = Visit(request, visitor, code, self._default_domain)
            self._answers.give([(visit, Outcome.SCANNING, _NO_LINK)])
        elif code and "/" not in code:
            self._take_code(request, visitor, code)
        elif "/" not in (before := code[:-1]) and before:
            self._take_code(request, visitor, before)
        elif code.endswith(PIXEL_END) and "/" not in (before := code.removesuffix(PIXEL_END)):
            self._pixel.take(request, visitor, before)
        elif not code:
            self._not_found.answer(request, visitor, "base_url")
        else:
            self._take_longer_path(request, visitor, code.partition("/")[0])

    def _take_longer_path(self, request: Request, visitor: Visitor, code: str) -> None:
        extra_path = request.raw_path[1:].partition(b"/")[2]
        if not code or not extra_path or self._extra_path_mode == "default":
            # Each costs a row. Whom the operator leads elsewhere has only come to an old address.
            if not self._not_found.answer(request, visitor, "regular_404"):
                self._scan_limit.note_unknown(request.address)
        else:
            is_appended = self._extra_path_mode == "append"
            self._take_code(request, visitor, code, extra_path if is_appended else b"")

    def _take_code(
        self, request: Request, visitor: Visitor, code: str, extra_path: bytes = b""
    ) -> None:
        visit = Visit(request, visitor, code, self._default_domain, extra_path)
        if not is_well_formed(code):
            self._answers.give([(visit, Outcome.UNKNOWN, _NO_LINK)])
        elif self._waiting >= self._max_waiting:
            self._answers.give([(visit, Outcome.OVERLOADED, _NO_LINK)])
        else:
            self._waiting += 1
            self._joiner.add(visit)

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
            async with asyncio.timeout(ANSWER_WITHIN_S):
                link = await completed_link(visit, cached, self._resolver)
                outcome = link.decide(round(self._clock() * 1000))
                if outcome is Outcome.REDIRECT and link.has_visit_limit:
                    outcome = await self._visit_charge.charge(visit.request, link.link_id)
        except ResolveError:
            outcome = Outcome.UNAVAILABLE
        except TimeoutError:
            self._metrics.database_errors.inc()
            outcome = Outcome.UNAVAILABLE
        except Exception:
            self._waiting -= 1
            self._answers.fail(visit)
            return
        self._decided.add((visit, outcome, link))

    async def _give(self, decided: list[Decided]) -> None:
        self._waiting -= len(decided)
        self._answers.give(decided)
