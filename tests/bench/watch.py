"""A stack under load, every other second: processors, memory, and clicks on their way."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise

import httpx2

from local_stack import processes
from local_stack.stack import Stack
from tests.bench.cpu import Components, Spent, cpu_seconds, spent
from tests.bench.memory import pss_bytes, rss_bytes
from tests.bench.redirector_metrics import RedirectorCounts, redirector_counts
from tests.support.observe import REDIRECTORS, Observer, Sample

GENERATOR, OTHERS = "generator", "others"
EACH_S = 2.0

Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen at one moment."""

    at: float
    """Unix time."""
    cpu_s: Mapping[str, float]
    resident_bytes: Mapping[str, int]
    """Of each redirector."""
    counts: RedirectorCounts
    clicks: Sample


@dataclass(slots=True)
class Watch:
    """All looks at one stack, oldest first. The generator is a component once it is known."""

    stack: Stack
    looks: list[Look] = field(default_factory=list)
    generator: dict[str, list[int]] = field(default_factory=dict)

    def know_generator(self, pid: int) -> None:
        """Count its processor time from here on."""
        self.generator[GENERATOR] = [pid]

    async def go_on(self, is_over: asyncio.Event) -> None:
        """Look until it is over; a redirector that does not answer in time leaves a gap."""
        async with Observer(self.stack) as observer:
            while not is_over.is_set():
                started = time.monotonic()
                with suppress(httpx2.HTTPError, OSError):
                    self.looks.append(await self._look(observer))
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0, started + EACH_S - time.monotonic())):
                        await is_over.wait()

    async def _look(self, observer: Observer) -> Look:
        clicks = await observer.look()
        counts = await redirector_counts(self.stack)
        found = self._components()
        return Look(
            at=time.time(),
            cpu_s=cpu_seconds({**found, **self.generator}),
            resident_bytes={
                name: rss_bytes(pid) for name in REDIRECTORS for pid in found.get(name, ())
            },
            counts=counts,
            clicks=clicks,
        )

    def everything_bytes(self) -> int:
        """Return what all of the stack holds in memory, each shared page once.

        For when nobody visits: the kernel walks through each page of each of PostgreSQL's
        processes, which takes a whole processor for a tenth to half a second.
        """
        first = [pid for pids in self._components().values() for pid in pids]
        return sum(map(pss_bytes, {member for pid in first for member in processes.tree(pid)}))

    def _components(self) -> Components:
        states = self.stack.states().items()
        return {name: [state.pid] for name, state in states if state.pid}

    def between(self, begins_at: float, ends_at: float) -> Sequence[Look]:
        """Return the looks of a time."""
        return [look for look in self.looks if begins_at <= look.at <= ends_at]


@asynccontextmanager
async def watching(stack: Stack) -> AsyncIterator[Watch]:
    """Look at a stack while the block runs, the last time when it ends."""
    watch, is_over = Watch(stack), asyncio.Event()
    task = asyncio.create_task(watch.go_on(is_over))
    try:
        yield watch
    except BaseException:
        task.cancel()
        raise
    is_over.set()
    await task


def processors(looks: Sequence[Look], begins_at: float) -> dict[str, Points]:
    """Return how many processors each component kept busy, look by look."""
    curves: dict[str, Points] = {}
    for before, after in pairwise(looks):
        used = used_between(before, after)
        for name, used_s in {**used.by_component, OTHERS: used.others_s}.items():
            point = (after.at - begins_at, used_s / (after.at - before.at))
            curves.setdefault(name, []).append(point)
    return curves


def used_between(before: Look, after: Look) -> Spent:
    """Return the processor time of the components that were there all the time."""
    known = {name: used for name, used in before.cpu_s.items() if name in after.cpu_s}
    return spent(known, after.cpu_s)


def curve(
    looks: Sequence[Look], begins_at: float, value: Callable[[Look], float | None]
) -> Points:
    """Return what is known of a value, look by look."""
    points = ((look.at - begins_at, value(look)) for look in looks)
    return [(at, known) for at, known in points if known is not None]
