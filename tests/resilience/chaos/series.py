"""A run as curves: one point a second, counted from the beginning of the schedule."""

from collections.abc import Callable, Iterable, Sequence
from math import ceil, floor
from typing import Any

import msgspec

from tests.support.observe import Sample
from tests.support.visit import Visit

Points = list[tuple[float, float | None]]


class Series(msgspec.Struct, frozen=True):
    """The curves of the report."""

    redirects: Points
    failures: Points
    """Visits that were answered neither by a redirect nor by the 404 of an unknown code."""
    latency_p50_ms: Points
    latency_p99_ms: Points
    spool_kib: Points
    queued: Points
    lag_s: Points


def create_series(
    visits: Iterable[Visit], samples: Iterable[Sample], *, began_at: float, ended_at: float
) -> Series:
    """Sort visits into the whole seconds in which they were due."""
    seconds = max(1, int(ended_at - began_at))
    by_second: list[list[Visit]] = [[] for _ in range(seconds)]
    for visit in visits:
        second = floor(visit.due_at - began_at)
        if 0 <= second < seconds:
            by_second[second].append(visit)
    latencies = [sorted(visit.latency_ms for visit in some) for some in by_second]
    seen = [sample for sample in samples if began_at <= sample.at < ended_at]

    def counted(statuses: Callable[[int], bool]) -> Points:
        return [
            (second, sum(statuses(visit.status) for visit in some))
            for second, some in enumerate(by_second)
        ]

    def sampled(value: Callable[[Sample], Any]) -> Points:
        return [(round(sample.at - began_at, 2), value(sample)) for sample in seen]

    return Series(
        redirects=counted(lambda status: status == 302),
        failures=counted(lambda status: status not in (302, 404)),
        latency_p50_ms=[(at, percentile(some, 0.5)) for at, some in enumerate(latencies)],
        latency_p99_ms=[(at, percentile(some, 0.99)) for at, some in enumerate(latencies)],
        spool_kib=sampled(lambda s: None if s.spool_bytes is None else s.spool_bytes / 1024),
        queued=sampled(lambda sample: sample.queued),
        lag_s=sampled(lambda sample: sample.lag_s),
    )


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least `share` of the sorted values do not exceed."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None
