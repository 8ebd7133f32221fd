"""Rounds of a benchmark as if they had been measured."""

from collections import Counter

from tests.bench.fixed_rate.measure import Measured
from tests.bench.fixed_rate.outcome import Outcome
from tests.bench.percentiles import Distribution

OUTCOME = Outcome(
    began_at=1.0, last_answer_at=2.0, sent=1, answered=1, failures={}, asked_again=0, waited=0,
    cpu_s=0.1, wall_s=1.0, late_p50_ms=0.1, late_p99_ms=0.2, late_max_ms=0.3,
)  # fmt: skip


def some_rounds(*latencies_ms: float, status: int = 0) -> list[Measured]:
    """Make a round for each latency; with a status, each has an answer that nobody expected."""
    others = Counter({status: 1}) if status else Counter[int]()
    return [
        Measured(latencies_ms=Distribution([latency]), others=others, outcome=OUTCOME)
        for latency in latencies_ms
    ]
