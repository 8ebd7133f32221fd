"""Joining lookups: all keys asked for in one event-loop turn become one call.

It costs an idle server nothing (a batch of one). The busier the server, the bigger the batches;
and a hot key that everybody asks for at once is looked up once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class JoinedLookup(Generic[K, V]):
    """Looks keys up through `load`, which answers a list of keys with their values in order.

    At most `max_in_flight` calls run at once, each for at most `max_batch` keys; keys asked for
    meanwhile wait and form the next batch. A key that is being looked up is not asked for again.
    What `load` raises is raised to everyone who waits for one of its keys.
    """

    __slots__ = (
        "_asked",
        "_in_flight",
        "_is_scheduled",
        "_load",
        "_loop",
        "_max_batch",
        "_max_in_flight",
        "_tasks",
        "_waiting",
    )

    def __init__(
        self,
        load: Callable[[list[K]], Awaitable[list[V]]],
        *,
        tasks: asyncio.TaskGroup,
        max_in_flight: int,
        max_batch: int = 512,
    ) -> None:
        self._load = load
        self._tasks = tasks
        self._max_in_flight = max_in_flight
        self._max_batch = max_batch
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[K, list[asyncio.Future[V]]] = {}
        self._asked: dict[K, list[asyncio.Future[V]]] = {}
        self._in_flight = 0
        self._is_scheduled = False

    def get(self, key: K) -> "asyncio.Future[V]":
        """Return a future of the key's value; cancelling it leaves others' futures alone."""
        future: asyncio.Future[V] = self._loop.create_future()
        futures = self._asked.get(key)
        if futures is None:
            futures = self._waiting.setdefault(key, [])
            if not self._is_scheduled and self._in_flight < self._max_in_flight:
                self._is_scheduled = True
                self._loop.call_soon(self._start)
        futures.append(future)
        return future

    def _start(self) -> None:
        self._is_scheduled = False
        while self._waiting and self._in_flight < self._max_in_flight:
            if len(self._waiting) <= self._max_batch:
                batch, self._waiting = self._waiting, {}
            else:
                batch = dict(islice(self._waiting.items(), self._max_batch))
                for key in batch:
                    del self._waiting[key]
            self._asked.update(batch)
            self._in_flight += 1
            self._tasks.create_task(self._run(batch))

    async def _run(self, batch: dict[K, list["asyncio.Future[V]"]]) -> None:
        keys = list(batch)
        try:
            values = await self._load(keys)
        except Exception as error:  # handed on: the callers know what `load` raises
            self._finish(batch)
            for futures in batch.values():
                for future in futures:
                    if not future.done():
                        future.set_exception(error)
        else:
            self._finish(batch)
            for key, value in zip(keys, values, strict=True):
                for future in batch[key]:
                    if not future.done():
                        future.set_result(value)

    def _finish(self, batch: dict[K, list["asyncio.Future[V]"]]) -> None:
        self._in_flight -= 1
        for key in batch:
            del self._asked[key]
        self._start()
