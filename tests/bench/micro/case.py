"""One thing whose time is taken, and how: many times in a row, without the garbage collector.

The time is the processor's, of this thread: nothing here waits for anybody, and what others on the
machine do in between must not count.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass

Call = Callable[[], object]
Opened = AbstractAsyncContextManager[Callable[[], Awaitable[object]]]


@dataclass(frozen=True, slots=True)
class Case:
    """`run` does the thing so many times and returns the processor's seconds that this took."""

    name: str
    run: Callable[[int], float]
    each: int = 1
    """How many clicks, keys or requests one time is: figures are of one of these."""


def called(name: str, call: Call, *, each: int = 1) -> Case:
    """Make the case of a plain call."""

    def run(times: int) -> float:
        with _no_collection():
            started = time.thread_time()
            for _ in range(times):
                call()
            return time.thread_time() - started

    return Case(name, run, each)


def awaited(name: str, open: Callable[[], Opened], *, each: int = 1) -> Case:
    """Make the case of an async call; what it works with is opened before the clock starts."""

    async def timed(times: int) -> float:
        async with open() as call:
            with _no_collection():
                started = time.thread_time()
                for _ in range(times):
                    await call()
                return time.thread_time() - started

    return Case(name, lambda times: asyncio.run(timed(times)), each)


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect(0)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
