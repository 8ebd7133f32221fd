"""Measured times beside the baseline's: which of them are slower than they may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.micro.rounds import Times


@dataclass(frozen=True, slots=True)
class Comparison:
    """One case; `ratio` is 1 where nothing has changed, None where there is no baseline."""

    name: str
    min_us: float
    median_us: float
    ratio: float | None

    def is_slower(self, threshold: float) -> bool:
        """Tell whether it takes more than `threshold` times what it took."""
        return self.ratio is not None and self.ratio > threshold


def compare(times: Mapping[str, Times], baseline: Mapping[str, float]) -> Sequence[Comparison]:
    """Compare every case that was measured."""
    return [
        Comparison(
            name,
            found.min_us,
            found.median_us,
            found.in_references / baseline[name] if name in baseline else None,
        )
        for name, found in times.items()
    ]
