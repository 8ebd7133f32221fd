"""How long the redirectors' lookups take, by their own histograms."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from local_stack.stack import Stack
from tests.bench.bench import Bench
from tests.bench.findings import Figure
from tests.bench.fixed_rate.measure import measure
from tests.bench.redirector_metrics import Buckets, percentile_s, redirector_counts, share_within
from tests.bench.visits import HIT, MISS, STATUSES, Visits


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """One kind of lookup at the rate at which its goal is set."""

    name: str
    kind: str
    store: str
    per_second: float
    p95_ms: float


LOOKUPS = (
    Lookup(name="Redis lookup", kind=HIT, store="redis", per_second=5000, p95_ms=1),
    Lookup(
        name="PostgreSQL fallback lookup", kind=MISS, store="postgres", per_second=500, p95_ms=5
    ),
)
"""The goals are bounds of the histograms' buckets, so whether one is met is known exactly."""


async def measure_lookups(
    bench: Bench, stack: Stack, visits: Visits, *, endings: Sequence[str], rounds: int
) -> tuple[list[Figure], list[str]]:
    """Return a figure for each store, and what went wrong."""
    figures: list[Figure] = []
    wrong: list[str] = []
    round_s = bench.options.round_s
    with bench.screen.progress("lookups", len(LOOKUPS) * rounds * round_s) as advance:
        for lookup in LOOKUPS:
            found: list[Buckets] = []
            for _ in range(rounds):
                before = await redirector_counts(stack)
                measured = await measure(
                    bench.folder,
                    port=stack.public_port,
                    per_second=lookup.per_second,
                    targets=visits.targets(lookup.kind, round(lookup.per_second * round_s)),
                    endings=endings,
                    expected=STATUSES[lookup.kind],
                )
                counts = (await redirector_counts(stack)).since(before)
                found.append(counts.buckets(lookup.store))
                wrong += [f"{lookup.name}: {text}" for text in measured.wrong]
                advance(round_s)
            figures.append(_figure(lookup, found))
    return figures, wrong


def _figure(lookup: Lookup, found: Sequence[Buckets]) -> Figure:
    p95_ms = [percentile_s(buckets, 0.95) * 1000 for buckets in found]
    within = median(share_within(buckets, lookup.p95_ms / 1000) for buckets in found)
    calls = sum(buckets[-1][1] for buckets in found)
    return Figure(
        name=f"{lookup.name} p95 at {lookup.per_second:,.0f}/s",
        value=median(p95_ms),
        unit="ms",
        goal=lookup.p95_ms,
        rounds=p95_ms,
        note=f"{within:.1%} took no longer than {lookup.p95_ms:g} ms, of {calls:,.0f} joined"
        " lookups; between the bounds of a bucket the figure is an estimate.",
    )
