"""How slow a machine is while a run goes on, against the one on which costs were measured.

A shared machine has other microseconds at another hour, and a faster or slower one always: a fixed
piece of work, done again and again beside the run, tells by how much.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import fmean

from tests.bench.micro.reference import reference

REFERENCE_US = 9.0
"""The processor's time for that work where `capacity.costs` was measured: 8 µs by itself, and more
beside a run, which shares its caches."""
LOOK_EACH_S = 0.25
TIMES = 300
"""The work in one look: two to five milliseconds, a hundredth of a processor."""


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


@asynccontextmanager
async def watched_speed(folder: Path) -> AsyncIterator[MachineSpeed]:
    """Look at the machine's speed for as long as the block lasts, once at least."""
    speed = MachineSpeed()
    with reference(folder) as work:
        speed.note(await asyncio.to_thread(work.run, TIMES))

        async def look() -> None:
            while True:
                await asyncio.sleep(LOOK_EACH_S)
                speed.note(await asyncio.to_thread(work.run, TIMES))

        looking = asyncio.create_task(look())
        try:
            yield speed
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
