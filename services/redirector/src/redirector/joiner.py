"""Joining: everything that is asked for in one event-loop turn is dealt with by one call.

It costs an idle server nothing (a batch of one); the busier the server, the bigger the batches,
and the less of a batch's own cost falls on each item.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Joiner(Generic[T]):
    """Collects items and gives them to `run` in batches, in the order in which they came.

    At most `max_in_flight` batches run at once, each of at most `max_batch` items; items that come
    meanwhile form the next batch. A batch begins `min_interval_s` after the one before it or
    later: who comes to an idle server never waits, and on a busy one batches stay worth their
    cost. `run` deals with its own failures: what it raises ends `tasks`. What waits when `tasks`
    ends is let go.
    """

    __slots__ = (
        "_begin_at", "_in_flight", "_is_scheduled", "_loop", "_max_batch", "_max_in_flight",
        "_min_interval_s", "_run", "_tasks", "_waiting",
    )  # fmt: skip

    def __init__(
        self,
        run: Callable[[list[T]], Awaitable[None]],
        *,
        tasks: asyncio.TaskGroup,
        max_in_flight: int,
        max_batch: int = 512,
        min_interval_s: float = 0.0,
    ) -> None:
        self._run = run
        self._tasks = tasks
        self._max_in_flight = max_in_flight
        self._max_batch = max_batch
        self._min_interval_s = min_interval_s
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[T] = deque()
        self._in_flight = 0
        self._is_scheduled = False
        self._begin_at = 0.0

    def add(self, item: T) -> None:
        """Have the item dealt with, together with all others of this turn."""
        self._waiting.append(item)
        self._schedule()

    def _schedule(self) -> None:
        if self._is_scheduled or not self._waiting or self._in_flight == self._max_in_flight:
            return
        self._is_scheduled = True
        if self._min_interval_s and self._begin_at > self._loop.time():
            self._loop.call_at(self._begin_at, self._begin)
        else:
            self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        self._is_scheduled = False
        self._begin_at = self._loop.time() + self._min_interval_s
        size = min(len(self._waiting), self._max_batch)
        batch = [self._waiting.popleft() for _ in range(size)]
        self._in_flight += 1
        finishing = self._finish(batch)
        try:
            self._tasks.create_task(finishing)
        except RuntimeError:  # the group has ended, with all who would take an answer
            finishing.close()
            return
        self._schedule()

    async def _finish(self, batch: list[T]) -> None:
        try:
            await self._run(batch)
        finally:
            self._in_flight -= 1
            self._schedule()
