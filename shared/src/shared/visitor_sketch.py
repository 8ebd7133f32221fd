"""How many different visitors there were: exact while they are few, else a HyperLogLog of 2 KB.

Registers are those of Flajolet and others (2007), the estimate is the improved one of Ertl (2017,
"New cardinality estimation algorithms for HyperLogLog sketches", algorithm 6), which needs no
tables of corrections. Its standard error is 1.04 / √2048, or 2.3 %.
"""

import math
import struct
from collections.abc import Iterable

MAX_EXACT = 128
"""So many are kept one by one, in 8 bytes each, and counted exactly."""

_INDEX_BITS = 11
_REGISTERS = 1 << _INDEX_BITS
_RANK_BITS = 64 - _INDEX_BITS
_HIGHEST_BITS = int.from_bytes(b"\x80" * _REGISTERS, "little")
_RANKS = bytes(range(_RANK_BITS + 2))
_ALPHA = 0.5 / math.log(2)
_EXACT, _DENSE = b"\0", b"\1"


class VisitorSketch:
    """A set of 64-bit hashes, of which only the size can be asked."""

    __slots__ = ("_exact", "_registers")

    def __init__(self, stored: bytes = b"") -> None:
        self._exact: set[int] = set()
        self._registers: bytearray | None = None
        if stored[:1] == _DENSE:
            self._registers = bytearray(stored[1:])
        elif stored:
            self._exact = set(struct.unpack(f"<{len(stored) // 8}Q", stored[1:]))

    def add(self, hashes: Iterable[int]) -> None:
        """Add visitors; who is in it already changes nothing."""
        if self._registers is None:
            self._exact.update(hashes)
            if len(self._exact) <= MAX_EXACT:
                return
            self._registers = bytearray(_REGISTERS)
            hashes, self._exact = self._exact, set()
        registers = self._registers
        for value in hashes:
            rank = _RANK_BITS + 1 - (value >> _INDEX_BITS).bit_length()
            if rank > registers[value & (_REGISTERS - 1)]:
                registers[value & (_REGISTERS - 1)] = rank

    def merge(self, other: "VisitorSketch") -> None:
        """Add all visitors of another sketch."""
        if other._registers is None:
            self.add(other._exact)
        elif self._registers is None:
            mine, self._exact = self._exact, set()
            self._registers = bytearray(other._registers)
            self.add(mine)
        else:
            self._registers = _maximum(self._registers, other._registers)

    def estimate(self) -> int:
        """Return how many visitors were added."""
        if self._registers is None:
            return len(self._exact)
        counts = _counts(self._registers)
        m = _REGISTERS
        z = m * _tau(1 - counts[_RANK_BITS + 1] / m)
        for rank in range(_RANK_BITS, 0, -1):
            z = (z + counts[rank]) / 2
        return round(_ALPHA * m * m / (z + m * _sigma(counts[0] / m)))

    def to_bytes(self) -> bytes:
        """Return what the constructor takes."""
        if self._registers is not None:
            return _DENSE + self._registers
        if not self._exact:
            return b""
        return _EXACT + struct.pack(f"<{len(self._exact)}Q", *sorted(self._exact))


def _counts(registers: bytearray) -> list[int]:
    """Return how many registers have each rank, by leaving out one rank after another."""
    counts = [0] * (_RANK_BITS + 2)
    left = bytes(registers)
    for rank in range(_RANK_BITS + 2):
        higher = left.translate(None, _RANKS[rank : rank + 1])
        counts[rank] = len(left) - len(higher)
        if not higher:
            break
        left = higher
    return counts


def _maximum(left: bytes | bytearray, right: bytes | bytearray) -> bytearray:
    """Return the greater of each two bytes, all below 128: as two long numbers, not one by one."""
    a, b = int.from_bytes(left, "little"), int.from_bytes(right, "little")
    # No byte borrows from the next: its highest bit is left where a's is not below b's.
    is_a = ((a | _HIGHEST_BITS) - b) & _HIGHEST_BITS
    mask = is_a | (is_a - (is_a >> 7))
    return bytearray((b ^ ((a ^ b) & mask)).to_bytes(_REGISTERS, "little"))


def _sigma(x: float) -> float:
    """Sum x ** 2 ** k * 2 ** (k - 1), the part of registers that nobody has hit."""
    if x == 1:
        return math.inf
    factor, total, former = 1.0, x, -1.0
    while total != former:
        x *= x
        former = total
        total += x * factor
        factor *= 2
    return total


def _tau(x: float) -> float:
    """Likewise the part of registers that are at their end."""
    if x in (0, 1):
        return 0.0
    factor, total, former = 1.0, 1 - x, -1.0
    while total != former:
        x = math.sqrt(x)
        former = total
        factor /= 2
        total -= (1 - x) ** 2 * factor
    return total / 3
