"""When a 503 is what was promised: the link was not cached, and PostgreSQL was away.

"Cached" is taken from the visitors themselves: a redirect of the same code while Redis was well,
and no loss of Redis's memory since. A link that was cached by this measure has no excuse.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.resilience.chaos.fault import Action, Episode
from tests.support.visit import Visit

UNAVAILABLE = 503
REDIRECTED = 302

SETTLES_S = 2.0
"""Until breakers have closed and connections are open again."""
WRITTEN_BACK_S = 1.0
"""Until a link that was read from PostgreSQL is in Redis."""


@dataclass(frozen=True, slots=True)
class Span:
    """Some time, in Unix seconds."""

    begin: float
    end: float

    def meets(self, begin: float, end: float) -> bool:
        """Tell whether any of it lies between `begin` and `end`."""
        return self.begin <= end and begin <= self.end


class Excuses:
    """Tells which failures were announced."""

    __slots__ = ("_cached_at", "_postgres_away", "_redis_hurt", "_redis_lost")

    def __init__(self, episodes: Iterable[Episode], visits: Iterable[Visit]) -> None:
        hurt: dict[str, list[Span]] = {"redis": [], "postgres": []}
        self._redis_lost: list[Span] = []
        for episode in episodes:
            span = Span(episode.began_at, episode.well_at + SETTLES_S)
            name = episode.fault.component
            if name in hurt:
                hurt[name].append(span)
            if name == "redis" and episode.fault.action is not Action.FREEZE:
                self._redis_lost.append(span)
        self._redis_hurt, self._postgres_away = hurt["redis"], hurt["postgres"]
        self._cached_at: dict[str, list[float]] = {}
        for visit in visits:
            if visit.status == REDIRECTED and not _meets(
                self._redis_hurt, visit.answered_at, visit.answered_at
            ):
                self._cached_at.setdefault(visit.code, []).append(visit.answered_at)

    def allows(self, visit: Visit) -> bool:
        """Tell whether this visit's 503 is the one that the documentation announces."""
        if visit.status != UNAVAILABLE:
            return False
        begin, end = visit.due_at, visit.answered_at
        return _meets(self._postgres_away, begin, end) and not self._was_cached(visit)

    def _was_cached(self, visit: Visit) -> bool:
        if _meets(self._redis_hurt, visit.due_at, visit.answered_at):
            return False
        earlier = (
            at for at in self._cached_at.get(visit.code, ()) if at < visit.due_at - WRITTEN_BACK_S
        )
        last = max(earlier, default=None)
        return last is not None and not _meets(self._redis_lost, last, visit.due_at)


def _meets(spans: Sequence[Span], begin: float, end: float) -> bool:
    return any(span.meets(begin, end) for span in spans)
