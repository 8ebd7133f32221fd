"""Rounds: in each one every case is timed once, with the reference right before it.

A machine that is slow for a while then slows a case and its reference alike, and no case alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.micro.case import Case

ROUND_S = 0.002
"""How long a case runs in one round, at least: long beside the clock's own cost, short beside the
time for which a busy machine leaves a process alone."""


@dataclass(slots=True)
class Times:
    """What was measured of a case: microseconds of each round, for one of its clicks or keys."""

    us: list[float] = field(default_factory=list)
    reference_us: list[float] = field(default_factory=list)

    @property
    def min_us(self) -> float:
        """The time with the least of other things in it."""
        return min(self.us)

    @property
    def median_us(self) -> float:
        """The usual time on this machine as it was."""
        return median(self.us)

    @property
    def in_references(self) -> float:
        """The time as a multiple of the reference's, which another machine has too."""
        return min(self.us) / min(self.reference_us)


def measure(
    cases: Sequence[Case],
    reference: Case,
    *,
    rounds: int,
    times: dict[str, Times],
    progress: Callable[[str], object],
) -> None:
    """Add `rounds` measurements of each case to `times`; says each case's name before it runs."""
    reference_repeats = _repeats(reference)
    repeats = {case.name: _repeats(case) for case in cases}
    for _ in range(rounds):
        for case in cases:
            progress(case.name)
            found = times.setdefault(case.name, Times())
            reference_s = reference.run(reference_repeats)
            found.reference_us.append(reference_s / reference_repeats * 1e6)
            taken_s = case.run(repeats[case.name])
            found.us.append(taken_s / repeats[case.name] / case.each * 1e6)


def _repeats(case: Case) -> int:
    """Find how often a case must run to take `ROUND_S`; warms its caches on the way."""
    repeats = 1
    while (taken_s := case.run(repeats)) < ROUND_S:
        repeats = max(repeats * 2, int(repeats * ROUND_S / max(taken_s, 1e-7)) // 2)
    return repeats
