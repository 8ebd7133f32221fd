"""Visits of short codes: looked up, decided and answered, all of one event-loop turn together.

One lookup in Redis, one write to the spool. The click is on disk before its answer leaves; nothing
here waits for the broker.
"""

import asyncio
from collections.abc import Sequence

from redirector.answers import Answers, Decided
from redirector.joiner import Joiner
from redirector.request import Clock
from redirector.stored_links import ResolveError
from redirector.visit import Resolver, Visit, completed_link, deciding_link
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


class JoinedVisits:
    """Takes visits, each of which is answered in this or a later turn, once.

    While `max_waiting` visitors wait for their answers, more are told to try again at once: a
    redirect for some now is worth more than one for everybody too late.
    `qck_redirects_total{outcome="overloaded"}` counts those turned away.
    """

    def __init__(
        self,
        *,
        resolver: Resolver,
        visit_charge: VisitCharge,
        answers: Answers,
        metrics: RedirectorMetrics,
        max_waiting: int,
        clock: Clock,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._resolver = resolver
        self._visit_charge = visit_charge
        self._answers = answers
        self._metrics = metrics
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

    def take(self, visit: Visit) -> None:
        """Take a visit; what no code can be is answered at once."""
        if not is_well_formed(visit.code):
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
