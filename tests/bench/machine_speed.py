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

REFERENCE_US = 6.5
"""The processor's time for that work where `capacity.costs` and the figures of docs/performance.md
were measured: 6.3 to 6.6 µs beside the sections of `make bench`, 7.0 beside 1,000 redirects/s."""
FOLLOWING = 0.5
"""Of the processor time of a whole stack, how much takes longer in proportion to that work: it is
code of our own, and the other half is the kernel's. At 1,000 redirects/s the stack took 0.46
processors where the work took 7.0 µs, and 0.83 where it took 18."""
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


def stack_slowness(slowness: float) -> float:
    """Return how many times as much processor time a whole stack takes on such a machine."""
    return 1 + FOLLOWING * (slowness - 1)


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
