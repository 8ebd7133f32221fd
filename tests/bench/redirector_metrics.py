"""What the redirectors themselves have counted: hits and misses, and how long lookups took."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from local_stack.stack import Stack
from tests.support.observe import REDIRECTORS

REDIRECTS = "qck_redirects_total"
LOOKUPS = "qck_link_cache_lookups_total"
DURATIONS = "qck_link_lookup_duration_seconds_bucket"
WITHIN_S = 5.0

Buckets = Sequence[tuple[float, float]]
"""Upper bound in seconds, and how many were not above it."""


@dataclass(slots=True)
class RedirectorCounts:
    """The sums over all redirectors at one moment, or what was added since an earlier one."""

    redirects: float = 0.0
    lookups: dict[str, float] = field(default_factory=dict)
    """Links looked up in Redis, by outcome."""
    durations: dict[tuple[str, float], float] = field(default_factory=dict)
    """By store and upper bound."""

    def since(self, earlier: "RedirectorCounts") -> "RedirectorCounts":
        """Return what was added."""
        return RedirectorCounts(
            self.redirects - earlier.redirects,
            {name: value - earlier.lookups.get(name, 0) for name, value in self.lookups.items()},
            {key: value - earlier.durations.get(key, 0) for key, value in self.durations.items()},
        )

    @property
    def hit_ratio(self) -> float:
        """Which share of the links that were looked up Redis knew."""
        known = sum(self.lookups.get(outcome, 0) for outcome in ("hit", "negative"))
        looked_up = sum(self.lookups.values())
        return 1 - (looked_up - known) / max(1, looked_up)

    def buckets(self, store: str) -> Buckets:
        """Return how long joined lookups in a store took."""
        return sorted((le, count) for (name, le), count in self.durations.items() if name == store)


def read_counts(texts: Sequence[str]) -> RedirectorCounts:
    """Add up the metrics pages of all redirectors."""
    counts = RedirectorCounts()
    for text in texts:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == REDIRECTS and sample.labels["outcome"] == "redirect":
                    counts.redirects += sample.value
                elif sample.name == LOOKUPS:
                    outcome = sample.labels["outcome"]
                    counts.lookups[outcome] = counts.lookups.get(outcome, 0) + sample.value
                elif sample.name == DURATIONS:
                    key = (sample.labels["store"], float(sample.labels["le"]))
                    counts.durations[key] = counts.durations.get(key, 0) + sample.value
    return counts


async def redirector_counts(stack: Stack) -> RedirectorCounts:
    """Ask all redirectors."""
    async with httpx2.AsyncClient(timeout=WITHIN_S) as client:
        pages = [
            (await client.get(f"http://127.0.0.1:{stack.port(name)}/metrics")).text
            for name in REDIRECTORS
        ]
    return read_counts(pages)


def share_within(buckets: Buckets, bound_s: float) -> float:
    """Return the share that took no longer than the bound of a bucket: exact."""
    total = buckets[-1][1] if buckets else 0
    return max((count for le, count in buckets if le <= bound_s), default=0) / max(1, total)


def percentile_s(buckets: Buckets, share: float) -> float:
    """Estimate a percentile as Prometheus does: as if a bucket's values were evenly spread."""
    total = buckets[-1][1] if buckets else 0
    below_s, below = 0.0, 0.0
    for le, count in buckets:
        if total and count >= share * total:
            return (
                below_s
                if le == inf
                else (
                    below_s + (le - below_s) * (share * total - below) / max(1e-9, count - below)
                )
            )
        below_s, below = le, count
    return 0.0
