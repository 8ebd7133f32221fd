"""How long a redirect takes at rates far below what there is room for, and a short URL to make."""

import asyncio
from collections.abc import Sequence
from random import Random
from statistics import median

from local_stack.stack import Stack
from tests.bench.bench import Bench
from tests.bench.findings import Figure, Findings
from tests.bench.fixed_rate.measure import Measured, measure
from tests.bench.fixed_rate.visitors import ending, visitor_endings
from tests.bench.lookups import LOOKUPS, measure_lookups
from tests.bench.visits import HIT, MISS, STATUSES, Visits, seed_visits
from tests.support.stack import started_stack

RATES = (12.0, 100.0, 200.0, 1000.0)
"""A million clicks a day, the sizing document's load and its bursts, and ten times that."""
MAX_ROUNDS = 3
CACHED_LINKS = 10_000
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
GOALS_MS = {(HIT, 100.0, "p95"): 3.0, (HIT, 100.0, "p99"): 8.0}

CREATES_PER_SECOND = 50.0
CREATE_P95_MS = 10.0
CREATED_URLS = 997


def run(bench: Bench) -> Findings:
    """Measure each rate and kind in turn, several times."""
    with started_stack(bench.folder / "stack") as stack:
        return asyncio.run(_measure(bench, stack))


async def _measure(bench: Bench, stack: Stack) -> Findings:
    rounds, round_s = min(bench.options.rounds, MAX_ROUNDS), bench.options.round_s
    misses = sum(RATES) + sum(each.per_second for each in LOOKUPS if each.kind == MISS)
    visits = await seed_visits(
        bench, stack, cached=CACHED_LINKS, fresh=round(misses * round_s * rounds)
    )
    endings = visitor_endings(f"localhost:{stack.public_port}", visits.random)
    redirects = await _redirects(bench, stack, visits, endings, rounds)
    creates = await _creates(bench, stack, visits.random, rounds)
    lookups, wrong = await measure_lookups(bench, stack, visits, endings=endings, rounds=rounds)
    figures = [
        _figure(f"{kind} at {rate:,.0f}/s", share, some, GOALS_MS.get((kind, rate, share)))
        for (kind, rate), some in redirects.items()
        for share in SHARES
    ]
    create = f"create at {CREATES_PER_SECOND:,.0f}/s"
    figures.append(_figure(create, "p95", creates, CREATE_P95_MS))
    measured = {create: creates}
    measured |= {f"{kind} at {rate:,.0f}/s": some for (kind, rate), some in redirects.items()}
    wrong += [
        f"{name}: {text}"
        for name, some in measured.items()
        for each in some
        for text in each.wrong
    ]
    return Findings(figures=[*figures, *lookups], wrong=wrong)


async def _redirects(
    bench: Bench, stack: Stack, visits: Visits, endings: Sequence[str], rounds: int
) -> dict[tuple[str, float], list[Measured]]:
    round_s = bench.options.round_s
    steps = [(kind, rate) for rate in RATES for kind in STATUSES]
    found: dict[tuple[str, float], list[Measured]] = {step: [] for step in steps}
    with bench.screen.progress("redirects", len(steps) * rounds * round_s) as advance:
        for _ in range(rounds):
            for kind, rate in steps:
                measured = await measure(
                    bench.folder,
                    port=stack.public_port,
                    per_second=rate,
                    targets=visits.targets(kind, round(rate * round_s)),
                    endings=endings,
                    expected=STATUSES[kind],
                )
                found[kind, rate].append(measured)
                advance(round_s)
    return found


async def _creates(bench: Bench, stack: Stack, random: Random, rounds: int) -> list[Measured]:
    round_s = bench.options.round_s
    endings = [
        ending(
            "localhost",
            {"X-Api-Key": stack.urls.api_key, "Content-Type": "application/json"},
            f'{{"longUrl": "https://example.org/{random.getrandbits(64):x}"}}',
        )
        for _ in range(CREATED_URLS)
    ]
    found = []
    with bench.screen.progress("creates", rounds * round_s) as advance:
        for _ in range(rounds):
            measured = await measure(
                bench.folder,
                port=stack.port("api"),
                per_second=CREATES_PER_SECOND,
                targets=["/rest/v3/short-urls"] * round(CREATES_PER_SECOND * round_s),
                endings=endings,
                method="POST",
                expected=200,
            )
            found.append(measured)
            advance(round_s)
    return found


def _figure(name: str, share: str, some: Sequence[Measured], goal: float | None) -> Figure:
    rounds = [each.latencies_ms.percentile(SHARES[share]) for each in some]
    late_ms = max(each.outcome.late_p99_ms for each in some)
    return Figure(
        name=f"{name}, {share}",
        value=median(rounds),
        unit="ms",
        goal=goal,
        rounds=rounds,
        note=f"{sum(each.latencies_ms.count for each in some):,} answers;"
        f" 99 % were asked for within {late_ms:.2f} ms of their time.",
    )
