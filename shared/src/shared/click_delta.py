"""What one transaction changed about the clicks, for the statistics to follow in their own time.

Whoever stores or deletes clicks inserts one of these in the same transaction, so each click counts
once however often the rest is tried again. Sums do not mind their order: a deletion is a delta
with a negative sign.
"""

import re
import struct
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import TypeVar

import msgspec

HOUR_S = 3600
HOURS_A_DAY = 24
ORPHANS = 0
"""The link that clicks without a link count under."""

K = TypeVar("K", bound=Hashable)

_HASH_DIGITS = 16
_DIGITS = re.compile(r"[0-9a-f]{16}")


class Source(msgspec.Struct, frozen=True, array_like=True):
    """Where clicks came from: one value for each of `day_statistics.DIMENSIONS`."""

    is_bot: bool
    values: tuple[str, ...]


class ClickDelta(msgspec.Struct, frozen=True, array_like=True):
    """Some clicks, column by column; members are only ever added, at the end."""

    sign: int
    """1 when they were stored, -1 when they were deleted."""
    first_hour: int
    """The earliest, in hours since 1970 (UTC)."""
    links: Sequence[int]
    hours: Sequence[int]
    """Of each click, counted from the first."""
    sources: Sequence[Source]
    source_numbers: Sequence[int]
    visitors: bytes
    """Eight bytes a click, little-endian; 0 where no visitor is known."""
    domains: Mapping[int, int] = {}
    """The domains of links that may be gone when this is read, as in `click_statistics`."""

    def visitor_hashes(self) -> tuple[int, ...]:
        """Return the visitor of each click."""
        return struct.unpack(f"<{len(self.links)}Q", self.visitors)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(ClickDelta)


def encode_delta(
    *,
    links: Sequence[int],
    hours: Sequence[int],
    keys: Iterable[K],
    source: Callable[[K], Source],
    visitors: Sequence[str | None],
    sign: int = 1,
    domains: Mapping[int, int] | None = None,
) -> bytes:
    """Encode clicks given as columns; `source` is asked once for each distinct key.

    There must be at least one click.
    """
    first_hour = min(hours)
    numbers: dict[K, int] = {}
    source_numbers = [numbers.setdefault(key, len(numbers)) for key in keys]
    delta = ClickDelta(
        sign=sign,
        first_hour=first_hour,
        links=links,
        hours=[hour - first_hour for hour in hours],
        sources=[source(key) for key in numbers],
        source_numbers=source_numbers,
        visitors=_visitor_hashes(visitors),
        domains=domains or {},
    )
    return _ENCODER.encode(delta)


def decode_delta(data: bytes) -> ClickDelta:
    """Undo `encode_delta`."""
    return _DECODER.decode(data)


def _visitor_hashes(visitors: Sequence[str | None]) -> bytes:
    layout = f"<{len(visitors)}Q"
    try:  # those of a redirector, one half of their digits
        return struct.pack(
            layout,
            *(
                0
                if visitor is None
                else int(visitor[:_HASH_DIGITS], 16)
                if len(visitor) >= _HASH_DIGITS
                else _hash(visitor)
                for visitor in visitors
            ),
        )
    except (ValueError, struct.error):  # somebody else's: no number, or a negative one
        return struct.pack(layout, *map(_visitor_hash, visitors))


def _visitor_hash(visitor: str | None) -> int:
    if visitor is None:
        return 0
    if _DIGITS.match(visitor):
        return int(visitor[:_HASH_DIGITS], 16)
    return _hash(visitor)


def _hash(visitor: str) -> int:
    return int.from_bytes(blake2b(visitor.encode(errors="replace"), digest_size=8).digest())
