"""How slow a machine is while something is measured, against one hour that all are compared with.

A shared machine has other microseconds at another hour, and a faster or slower one always: a fixed
piece of work, done again and again beside a run, tells by how much.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from threading import Event, Thread

from tests.bench.micro.reference import reference

REFERENCE_US = 9.0
"""The processor's time for that work where `capacity.costs` and the figures of docs/performance.md
were measured: 8 µs by itself, as `make bench-micro` had it. It was not timed beside those runs: 9
is reckoned from what `make capacity-check` used there, and in an hour in which it was 18."""
LOOK_EACH_S = 0.5
TIMES = 300
"""The work in one look: some milliseconds, less than a hundredth of a processor."""


class MachineSpeed:
    """What was seen so far."""

    def __init__(self) -> None:
        self._looks_us: list[float] = []

    def note(self, processor_s: float) -> None:
        """Take the time of `TIMES` pieces of work."""
        self._looks_us.append(processor_s / TIMES * 1e6)

    @property
    def slowness(self) -> float:
        """How many times as long as there the same work takes here, on average."""
        return fmean(self._looks_us) / REFERENCE_US


@contextmanager
def watched_speed(folder: Path) -> Iterator[MachineSpeed]:
    """Look at the machine's speed for as long as the block lasts, in a thread; once at least."""
    speed, is_over = MachineSpeed(), Event()
    with reference(folder) as work:

        def look() -> None:
            while not is_over.wait(LOOK_EACH_S):
                speed.note(work.run(TIMES))

        speed.note(work.run(TIMES))
        looking = Thread(target=look, name="machine-speed", daemon=True)
        looking.start()
        try:
            yield speed
        finally:
            is_over.set()
            looking.join()
