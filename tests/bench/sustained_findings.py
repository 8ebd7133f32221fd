"""The figures and curves of a sustained run."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.answered import Comparison
from tests.bench.findings import Figure, Findings
from tests.bench.fixed_rate.outcome import Outcome
from tests.bench.fixed_rate.summary import Summary
from tests.bench.generator_figures import generator_figures
from tests.bench.redis_memory import RedisMemory
from tests.bench.sustained_charts import SHARES, sustained_charts, where_the_time_goes
from tests.bench.watch import Look, used_between

P99_MS = 50.0
STORED_WITHIN_S = 5.0
HIT_PERCENT = 99.0

_MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sustained:
    """All that was seen of it."""

    links: int
    empty: RedisMemory
    full: RedisMemory
    """Before and after all links were put into Redis."""
    summary: Summary
    outcome: Outcome
    looks: Sequence[Look]
    """Of the time at the full rate."""
    stored_after_s: float
    everything_bytes: int
    """In memory, when all was stored; each shared page once."""
    comparison: Comparison

    @property
    def begins_at(self) -> float:
        """Unix time from which the full rate was due."""
        return self.outcome.began_at + self.summary.plan.ramp_s


def sustained_findings(seen: Sustained) -> Findings:
    """Draw up what a run has shown."""
    return Findings(
        figures=[*_visitors(seen), *_clicks(seen), *_stores(seen), *_machine(seen)],
        charts=sustained_charts(seen.summary, seen.looks, seen.begins_at),
        bars=[where_the_time_goes(seen.looks)],
        wrong=seen.comparison.wrong(unanswered=seen.outcome.failed + seen.outcome.asked_again),
    )


def _visitors(seen: Sustained) -> list[Figure]:
    summary, outcome = seen.summary, seen.outcome
    kinds = {**outcome.failures, **{f"status {s}": n for s, n in summary.others.items() if s}}
    return [
        Figure(
            name="redirects a second",
            value=summary.per_second,
            unit="/s",
            goal=summary.plan.per_second,
            is_floor=True,
            note=f"Over {summary.steady_s:,.0f} s; what came up to a second after them counts.",
        ),
        Figure(
            name="failed",
            value=sum(summary.others.values()),
            unit="visits",
            goal=0,
            note=", ".join(f"{count:,} {kind}" for kind, count in kinds.items()),
        ),
        *(
            Figure(
                name=f"latency, {name}",
                value=summary.latencies_ms.percentile(share),
                unit="ms",
                goal=P99_MS if name == "p99" else None,
            )
            for name, share in SHARES.items()
        ),
    ]


def _clicks(seen: Sustained) -> list[Figure]:
    lags = [look.clicks.lag_s for look in seen.looks if look.clicks.lag_s is not None]
    return [
        Figure(
            name="all clicks stored after the last redirect",
            value=seen.stored_after_s,
            unit="s",
            goal=STORED_WITHIN_S,
        ),
        Figure(
            name="lost clicks",
            value=seen.comparison.lost,
            unit="clicks",
            goal=0,
            note=f"Of {seen.comparison.answered:,} answered, compared by request id.",
        ),
        Figure(name="doubled clicks", value=seen.comparison.doubled, unit="clicks", goal=0),
        Figure(
            name="age of the newest stored click, at most", value=max(lags, default=0), unit="s"
        ),
    ]


def _stores(seen: Sustained) -> list[Figure]:
    full, looks = seen.full, seen.looks
    hits = looks[-1].counts.since(looks[0].counts).hit_ratio if looks else 0.0
    resident = [size for look in looks for size in look.resident_bytes.values()] or [0]
    return [
        Figure(
            name="cache hits",
            value=hits * 100,
            unit="%",
            goal=HIT_PERCENT,
            is_floor=True,
            note="Of the links that the redirectors looked up in Redis, each once in a joined"
            " lookup; Zipf's law with exponent 1.",
        ),
        Figure(
            name="links that fit into Redis",
            value=(full.keys - seen.empty.keys) / seen.links * 100,
            unit="%",
            note=f"{full.keys:,} of {seen.links:,} in {full.max_bytes / _MB:,.0f} MB;"
            f" {full.evicted - seen.empty.evicted:,} had to make room.",
        ),
        Figure(
            name="memory of Redis per link", value=full.bytes_per_key(seen.empty), unit="bytes"
        ),
        Figure(
            name="memory of a redirector, at most",
            value=max(resident, default=0) / _MB,
            unit="MB",
        ),
        Figure(
            name="memory of everything, in the end",
            value=seen.everything_bytes / _MB,
            unit="MB",
            note="Sum of PSS, which counts shared pages once.",
        ),
    ]


def _machine(seen: Sustained) -> list[Figure]:
    looks, others = seen.looks, 0.0
    if len(looks) > 1:
        used = used_between(looks[0], looks[-1])
        others = used.others_percent(looks[-1].at - looks[0].at)
    return [
        Figure(
            name="machine used by others meanwhile",
            value=others,
            unit="%",
            note="The bench itself included, which looks every other second.",
        ),
        *generator_figures(seen.outcome),
    ]
