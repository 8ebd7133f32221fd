"""What a run is to do, and all that is seen of it."""

from dataclasses import dataclass

from tests.resilience.backlog.compare import Outcome
from tests.resilience.backlog.watch import Moment
from tests.support.visit import Visit

SETTLED_WITHIN_S = 60.0
MIN_CLICKS_PER_SECOND = 1000
"""A drain slower than this is given up."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is to do."""

    clicks: int
    per_second: float
    calm_s: float

    @property
    def drained_within_s(self) -> float:
        """How long the drain may take."""
        return SETTLED_WITHIN_S + self.clicks / MIN_CLICKS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a run, and what was seen in it."""

    began_at: float
    ended_at: float
    moments: list[Moment]
    visits: list[Visit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All that was seen of a run."""

    options: Options
    calm: Stretch
    away: Stretch
    drain: Stretch
    published_at: float | None
    """When nothing was left in the dead processes' spools."""
    outcome: Outcome
