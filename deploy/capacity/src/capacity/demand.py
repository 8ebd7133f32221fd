"""What is asked of a site: how many clicks, when, of how many links, and through which outages."""

from typing import Annotated

import msgspec

DAY_S = 86_400
HOUR_S = 3_600
PLANNED_DAYS = 365

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

MANY_HOSTS_CLICKS_PER_DAY = 5_000_000
"""From here on the sizing document recommends to scale out."""


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """One site; each field can be given to `make capacity` by its name in capitals."""

    clicks_per_day: Annotated[int, msgspec.Meta(ge=1, le=10**12)] = 1_000_000
    peak_factor: Annotated[float, msgspec.Meta(ge=1, le=1000)] = 8.0
    """The busiest hours against the average; the sizing document has 8."""
    burst_factor: Annotated[float, msgspec.Meta(ge=1, le=1000)] = 2.0
    """The busiest seconds against the peak; the document bears 200/s where 100/s are the peak."""
    hit_ratio: _Share = 0.95
    """Of lookups in Redis."""
    new_links: _Share = 0.05
    """Links made for each click."""
    links: Annotated[int, msgspec.Meta(ge=0, le=10**12)] = 0
    """That there are already, before the first day."""
    retention_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 0
    """That clicks are kept; 0 is for ever. Disk is told for a year, or for as long as that."""
    outage_hours: Annotated[float, msgspec.Meta(ge=0, le=720)] = 4.0
    """That the broker, or what stores clicks, may be away at the busiest time without loss."""
    target: Annotated[float, msgspec.Meta(ge=0.01, le=1)] = 0.8
    """How busy pools and processors may be at the peak: the document's 80 %, a margin of 25 %."""
    hosts: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    """1 is one machine with a fixed number of processes, more is replicas that may be added by
    themselves; 0 decides by the clicks a day."""

    @property
    def average_per_s(self) -> float:
        """Clicks a second over a day."""
        return self.clicks_per_day / DAY_S

    @property
    def peak_per_s(self) -> float:
        """Clicks a second in the busiest hours."""
        return self.average_per_s * self.peak_factor

    @property
    def burst_per_s(self) -> float:
        """Clicks a second in the busiest seconds."""
        return self.peak_per_s * self.burst_factor

    @property
    def peak_misses_per_s(self) -> float:
        """Lookups a second that PostgreSQL has to answer at the peak."""
        return self.peak_per_s * (1 - self.hit_ratio)

    @property
    def peak_creates_per_s(self) -> float:
        """Links made a second at the peak."""
        return self.peak_per_s * self.new_links

    @property
    def is_spread(self) -> bool:
        """Whether there are several hosts, so that one may fail and replicas may be added."""
        if self.hosts:
            return self.hosts > 1
        return self.clicks_per_day >= MANY_HOSTS_CLICKS_PER_DAY

    @property
    def planned_days(self) -> int:
        """The days that disk is planned for: links and counts grow on when clicks are dropped."""
        return max(PLANNED_DAYS, self.retention_days)

    @property
    def kept_days(self) -> int:
        """The days of clicks that there are at the end of those."""
        return self.retention_days or PLANNED_DAYS

    @property
    def outage_clicks(self) -> float:
        """Clicks in an outage at the busiest time; in no day are there more than a day has."""
        hours = self.outage_hours
        days = max(1.0, hours / 24)
        return min(self.peak_per_s * hours * HOUR_S, self.clicks_per_day * days)
