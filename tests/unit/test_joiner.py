"""Joining what comes at once into batches."""

import asyncio

from redirector.joiner import Joiner
from shared.background import background_tasks

FOR_EVER_S = 3600.0
DEADLINE_S = 5


class Batches:
    """Notes the batches that begin; each ends when `gate` is open."""

    def __init__(self) -> None:
        self.begun: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, items: list[str]) -> None:
        """Begin one."""
        self.begun.append(items)
        await self.gate.wait()


async def settle() -> None:
    """Let everything run that is ready."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_comes_in_one_turn_is_one_batch() -> None:
    """Items of one turn are dealt with together, in the order in which they came."""
    batches = Batches()
    async with background_tasks() as tasks:
        joiner = Joiner(batches, tasks=tasks, max_in_flight=1)
        for item in "abc":
            joiner.add(item)
        await settle()
    assert batches.begun == [["a", "b", "c"]]


async def test_what_comes_during_a_batch_is_the_next_one() -> None:
    """Items wait while as many batches run as may, and then go together."""
    batches = Batches()
    batches.gate.clear()
    async with background_tasks() as tasks:
        joiner = Joiner(batches, tasks=tasks, max_in_flight=1)
        for item in "abc":
            joiner.add(item)
            await settle()
        batches.gate.set()
        await settle()
    assert batches.begun == [["a"], ["b", "c"]]


async def test_a_batch_has_a_greatest_size() -> None:
    """What is too much for one batch is more than one, all at once if so many may run."""
    batches = Batches()
    batches.gate.clear()
    async with background_tasks() as tasks:
        joiner = Joiner(batches, tasks=tasks, max_in_flight=3, max_batch=2)
        for item in "abcde":
            joiner.add(item)
        await settle()
    assert batches.begun == [["a", "b"], ["c", "d"], ["e"]]


async def test_the_first_to_come_does_not_wait_and_the_next_do() -> None:
    """A batch begins at once on an idle joiner, and not before its time behind another one."""
    batches = Batches()
    async with background_tasks() as tasks:
        joiner = Joiner(batches, tasks=tasks, max_in_flight=1, min_interval_s=FOR_EVER_S)
        joiner.add("a")
        await settle()
        joiner.add("b")
        await settle()
    assert batches.begun == [["a"]]


async def test_whoever_waits_for_the_interval_is_served() -> None:
    """After the interval everything that has gathered goes in one batch."""
    batches = Batches()
    async with background_tasks() as tasks:
        joiner = Joiner(batches, tasks=tasks, max_in_flight=1, min_interval_s=0.02)
        joiner.add("a")
        async with asyncio.timeout(DEADLINE_S):
            while not batches.begun:
                await asyncio.sleep(0)
            for item in "bcd":
                joiner.add(item)
            while len(batches.begun) < 2:
                await asyncio.sleep(0.001)
    assert batches.begun == [["a"], ["b", "c", "d"]]


async def test_what_waits_when_all_ends_is_let_go() -> None:
    """Items that wait for a batch which is cancelled are not begun, and nothing fails for it."""
    batches = Batches()
    batches.gate.clear()
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    async with background_tasks() as tasks:
        joiner = Joiner(batches, tasks=tasks, max_in_flight=1)
        joiner.add("a")
        await settle()
        joiner.add("b")
    await settle()
    assert (batches.begun, failures) == ([["a"]], [])
