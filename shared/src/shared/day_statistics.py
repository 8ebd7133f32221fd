"""The statistics of one day (UTC) of a link, a tag, a domain or all of them, and how they add up.

click-ingest adds to them, the shortener reads them; both must agree on the bytes.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, get_args

import msgspec

Scope = Literal["link", "tag", "domain", "non_orphan", "orphan"]
"""What a day is of. The last two are one each, with the id 0; so is the default domain."""

Dimension = Literal["referer", "browser", "operating_system", "device", "country"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
"""In the order in which they are stored; a new one goes to the end."""

MAX_VALUES: dict[Scope, int] = {
    "link": 50, "tag": 200, "domain": 200, "non_orphan": 200, "orphan": 200,
}  # fmt: skip
"""Of a dimension, this many values at least have their own counts, and twice as many at most."""

MAX_VALUE_LENGTH = 100

_HOST = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]+)", re.IGNORECASE)


class Counts(msgspec.Struct, array_like=True, gc=False):
    """Clicks, and those of them that are bots'."""

    clicks: int = 0
    bots: int = 0

    def add(self, clicks: int, bots: int) -> None:
        """Add, or with negative numbers take away."""
        self.clicks += clicks
        self.bots += bots


class Values(msgspec.Struct, array_like=True):
    """One dimension: the values that have counts of their own, '' for unknown, and the rest."""

    counts: dict[str, Counts] = msgspec.field(default_factory=dict)
    other: Counts = msgspec.field(default_factory=Counts)

    def add(self, value: str, clicks: int, bots: int) -> None:
        """Add to one value; what is taken away may be more than it has, until `settle`."""
        counts = self.counts.get(value)
        if counts is None:
            counts = self.counts[value] = Counts()
        counts.add(clicks, bots)

    def merge(self, other: "Values") -> None:
        """Add all of another one, value by value."""
        for value, counts in other.counts.items():
            known = self.counts.get(value)
            if known is None:
                self.counts[value] = Counts(counts.clicks, counts.bots)
            else:  # without a call more, for each of the hundreds of values that a day has
                known.clicks += counts.clicks
                known.bots += counts.bots
        self.other.add(other.other.clicks, other.other.bots)

    def settle(self) -> None:
        """Take from `other` what values lack: they had gone there before it was taken away."""
        for value, counts in list(self.counts.items()):
            lacking = Counts(min(0, counts.clicks), min(0, counts.bots))
            self.other.add(lacking.clicks, lacking.bots)
            counts.add(-lacking.clicks, -lacking.bots)
            if counts.clicks == 0:
                self.other.add(0, counts.bots)
                del self.counts[value]

    def crop(self, limit: int) -> int:
        """Put the rarest values into `other` once there are more than twice `limit`.

        Returns:
            The clicks that were.
        """
        if len(self.counts) <= 2 * limit:
            return 0
        ranked = sorted(self.counts, key=lambda value: (-self.counts[value].clicks, value))
        cropped = [self.counts.pop(value) for value in ranked[limit:]]
        for counts in cropped:
            self.other.add(counts.clicks, counts.bots)
        return sum(counts.clicks for counts in cropped)


class DayStatistics(msgspec.Struct, array_like=True):
    """All dimensions of one day, or of several added up; empty when made without arguments."""

    hours: dict[int, Counts] = msgspec.field(default_factory=dict)
    """By hour of the day, 0 to 23."""
    dimensions: list[Values] = msgspec.field(default_factory=list)

    def add(self, hour: int, values: Iterable[str], clicks: int, bots: int) -> None:
        """Add clicks that have these values, one for each dimension."""
        counts = self.hours.get(hour)
        if counts is None:
            counts = self.hours[hour] = Counts()
        counts.add(clicks, bots)
        for dimension, value in zip(self._all(), values, strict=False):
            dimension.add(value, clicks, bots)

    def merge(self, other: "DayStatistics") -> None:
        """Add all of another one, hour by hour of the day and value by value."""
        for hour, counts in other.hours.items():
            self.hours.setdefault(hour, Counts()).add(counts.clicks, counts.bots)
        for mine, theirs in zip(self._all(), other.dimensions, strict=False):
            mine.merge(theirs)

    def crop(self, limit: int) -> int:
        """Crop every dimension; return the clicks that became nameless, in all of them."""
        return sum(dimension.crop(limit) for dimension in self.dimensions)

    def settle(self) -> None:
        """Settle every dimension, once something was taken away."""
        for dimension in self.dimensions:
            dimension.settle()

    def total(self) -> Counts:
        """Return the sum of the hours."""
        hours = self.hours.values()
        return Counts(sum(each.clicks for each in hours), sum(each.bots for each in hours))

    def _all(self) -> list[Values]:
        # A day that was stored before there was some dimension gets it now.
        while len(self.dimensions) < len(DIMENSIONS):
            self.dimensions.append(Values())
        return self.dimensions


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(DayStatistics)


def encode_day(statistics: DayStatistics) -> bytes:
    """Encode for the database."""
    return _ENCODER.encode(statistics)


def decode_day(data: bytes) -> DayStatistics:
    """Undo `encode_day`; no bytes are an empty day."""
    return _DECODER.decode(data) if data else DayStatistics()


@lru_cache(maxsize=8192)
def referer_host(referer: str) -> str:
    """Return the host that a referer names, '' where there is none."""
    match = _HOST.match(referer)
    return match[1].lower() if match else ""


def source_values(
    referer: str,
    browser: str | None,
    operating_system: str | None,
    device: str | None,
    country: str | None,
) -> tuple[str, ...]:
    """Return the value of each dimension, cropped."""
    host = referer_host(referer)
    values = (host, browser or "", operating_system or "", device or "", country or "")
    return tuple(value[:MAX_VALUE_LENGTH] for value in values)
