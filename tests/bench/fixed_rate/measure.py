"""One measurement at a fixed rate: written, carried out, summed up."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.fixed_rate.generator import send_at_fixed_rate
from tests.bench.fixed_rate.outcome import Outcome
from tests.bench.fixed_rate.plan import Plan
from tests.bench.fixed_rate.records import read_records
from tests.bench.percentiles import Distribution

CONNECTIONS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came of it."""

    latencies_ms: Distribution
    """Of whole answers with the status that was expected."""
    others: Counter[int]
    """How many had another status; 0 stands for no whole answer."""
    outcome: Outcome

    @property
    def wrong(self) -> list[str]:
        """In words, what is the matter with the answers."""
        found = [
            f"{count} times status {status}" for status, count in self.others.items() if status
        ]
        return found + [f"{count} times {kind}" for kind, count in self.outcome.failures.items()]


async def measure(
    folder: Path,
    *,
    port: int,
    per_second: float,
    targets: Sequence[str],
    order: Iterable[int] | None = None,
    endings: Sequence[str],
    method: str = "GET",
    expected: int = 302,
    progress: Callable[[float], None] = lambda done: None,
) -> Measured:
    """Send one request for each of `order`, which are numbers of targets; by default each once."""
    numbers = range(len(targets)) if order is None else list(order)
    with TemporaryDirectory(prefix="fixed-rate-", dir=folder) as own:
        plan = Plan(
            folder=own,
            port=port,
            per_second=per_second,
            count=len(numbers),
            method=method,
            endings=endings,
            connections=CONNECTIONS,
        )
        plan.write_requests(targets, numbers)
        outcome = await send_at_fixed_rate(plan, progress=progress)
        latencies_ms, others = Distribution(), Counter[int]()
        for record in read_records(plan.records_file):
            if record.status == expected:
                latencies_ms.add(record.latency_s * 1000)
            else:
                others[record.status] += 1
    return Measured(latencies_ms=latencies_ms, others=others, outcome=outcome)
