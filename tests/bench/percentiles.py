"""Percentiles of millions of values in a few kilobytes: counts in buckets one per cent wide."""

from collections import Counter
from collections.abc import Iterable
from math import exp, log

_WIDTH = log(1.01)
_LEAST = 1e-6


class Distribution:
    """How often which value was seen. Percentiles are right to half a per cent."""

    __slots__ = ("_counts", "count", "max", "total")

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._counts: Counter[int] = Counter()
        self.count = 0
        self.total = 0.0
        self.max = 0.0
        for value in values:
            self.add(value)

    def add(self, value: float) -> None:
        """Count one value; none is below 0."""
        self._counts[round(log(value) / _WIDTH) if value > _LEAST else _FIRST] += 1
        self.count += 1
        self.total += value
        if value > self.max:
            self.max = value

    def merge(self, other: "Distribution") -> None:
        """Count all that the other has."""
        self._counts.update(other._counts)
        self.count += other.count
        self.total += other.total
        self.max = max(self.max, other.max)

    def percentile(self, share: float) -> float:
        """Return what at least this share of the values does not exceed; 0 for no values."""
        if share >= 1 or not self.count:
            return self.max
        left = share * self.count
        for bucket in sorted(self._counts):
            left -= self._counts[bucket]
            # As many additions as there are buckets leave a trace behind the point.
            if left <= 1e-9:
                return min(self.max, exp(bucket * _WIDTH))
        return self.max


_FIRST = round(log(_LEAST) / _WIDTH)
