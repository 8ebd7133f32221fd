"""A long run summed up: latencies second by second, and how much was answered in time."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.bench.fixed_rate.plan import Plan
from tests.bench.fixed_rate.records import Progress, read_records
from tests.bench.percentiles import Distribution

IN_TIME_S = 1.0
"""What comes later than this after the last request was due shows that the server fell behind."""


@dataclass(slots=True)
class Summary:
    """What came of a plan, its ramp left out of all but `others`."""

    plan: Plan
    expected: int
    latencies_ms: Distribution = field(default_factory=Distribution)
    by_second: list[Distribution] = field(default_factory=list)
    """By the second in which they were due."""
    others: Counter[int] = field(default_factory=Counter)
    """Answers with another status than the expected one; 0 stands for no whole answer."""
    in_time: int = 0

    @property
    def steady_s(self) -> float:
        """How long the full rate was kept up."""
        return (self.plan.count - self.plan.steady_from) / self.plan.per_second

    @property
    def per_second(self) -> float:
        """How many were answered as expected and in time, a second."""
        return self.in_time / max(self.steady_s, 1e-9)


def summarise(plan: Plan, expected: int, progress: Progress = lambda count: None) -> Summary:
    """Read all records of a plan that was carried out."""
    summary = Summary(plan, expected)
    steady_from = plan.steady_from
    over_s = plan.due_s(plan.count) + IN_TIME_S
    seconds = summary.by_second
    for number, latency_s, status, _ in read_records(plan.records_file, progress):
        if status != expected:
            summary.others[status] += 1
            continue
        if number < steady_from:
            continue
        due_s = plan.due_s(number)
        second = int(due_s - plan.ramp_s)
        while second >= len(seconds):
            seconds.append(Distribution())
        seconds[second].add(latency_s * 1000)
        summary.in_time += due_s + latency_s <= over_s
    for each in seconds:
        summary.latencies_ms.merge(each)
    return summary


def request_ids(
    plan: Plan, expected: int, progress: Progress = lambda count: None
) -> Iterator[bytes]:
    """Yield the ids of all that was answered as expected, the ramp's too."""
    records = read_records(plan.records_file, progress)
    return (record.request_id for record in records if record.status == expected)
