"""What a generator is told: when to send how much of what, and where to put what came of it."""

from array import array
from collections.abc import Iterable, Sequence
from math import sqrt
from pathlib import Path

import msgspec


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Requests to one port of the loopback, as numbers into a file of targets.

    A request is the method, a target, and one of the endings: the rest of its head, and its body.
    """

    folder: str
    """Of this run alone; the files below are in it."""
    port: int
    per_second: float
    ramp_s: float = 0.0
    """Before the rate is reached: it rises evenly from nothing."""
    count: int
    method: str = "GET"
    endings: Sequence[str]
    connections: int = 128
    """One request at a time on each; what is due while all are busy waits, and its time counts."""
    timeout_s: float = 10.0

    @property
    def steady_from(self) -> int:
        """The number of the first request that is due at the full rate."""
        return min(self.count, round(self.per_second * self.ramp_s / 2))

    def due_s(self, number: int) -> float:
        """Return when a request is due, counted from the beginning."""
        steady = self.per_second * self.ramp_s / 2
        if number < steady:
            return sqrt(2 * self.ramp_s * number / self.per_second)
        return self.ramp_s + (number - steady) / self.per_second

    @property
    def targets_file(self) -> Path:
        """One target a line."""
        return Path(self.folder) / "targets"

    @property
    def order_file(self) -> Path:
        """For each request the number of its target, as unsigned 32-bit integers."""
        return Path(self.folder) / "order"

    @property
    def records_file(self) -> Path:
        """What came of each request."""
        return Path(self.folder) / "records"

    @property
    def outcome_file(self) -> Path:
        """What came of all of them, and how well the generator did."""
        return Path(self.folder) / "outcome.json"

    def write_requests(self, targets: Iterable[str], order: Iterable[int]) -> None:
        """Write which targets there are, and which of them each request is for."""
        with self.targets_file.open("w", encoding="utf-8") as file:
            file.writelines(f"{target}\n" for target in targets)
        with self.order_file.open("wb") as file:
            array("I", order).tofile(file)

    def read_requests(self) -> tuple[list[bytes], "array[int]"]:
        """Read what `write_requests` wrote."""
        order = array("I")
        order.frombytes(self.order_file.read_bytes())
        return self.targets_file.read_bytes().splitlines(), order
