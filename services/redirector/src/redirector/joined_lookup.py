"""Looking keys up together: one call for all of a turn, and one answer for all who want a key."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from redirector.joiner import Joiner

K = TypeVar("K")
V = TypeVar("V")


class JoinedLookup(Generic[K, V]):
    """Looks keys up through `load`, which answers a list of keys with their values in order.

    At most `max_in_flight` calls run at once, each for at most `max_batch` keys, and each begins
    `min_interval_s` after the one before it or later. A key that is being looked up is not asked
    for again: a hot key that everybody misses at once costs one lookup. What `load` raises is
    raised to everyone who waits for one of its keys.
    """

    __slots__ = ("_joiner", "_load", "_loop", "_wanted")

    def __init__(
        self,
        load: Callable[[list[K]], Awaitable[list[V]]],
        *,
        tasks: asyncio.TaskGroup,
        max_in_flight: int,
        max_batch: int = 512,
        min_interval_s: float = 0.0,
    ) -> None:
        self._load = load
        self._loop = asyncio.get_running_loop()
        self._wanted: dict[K, list[asyncio.Future[V]]] = {}
        self._joiner = Joiner(
            self._run,
            tasks=tasks,
            max_in_flight=max_in_flight,
            max_batch=max_batch,
            min_interval_s=min_interval_s,
        )

    def get(self, key: K) -> "asyncio.Future[V]":
        """Return a future of the key's value; cancelling it leaves others' futures alone."""
        future: asyncio.Future[V] = self._loop.create_future()
        futures = self._wanted.get(key)
        if futures is None:
            self._wanted[key] = [future]
            self._joiner.add(key)
        else:
            futures.append(future)
        return future

    async def _run(self, keys: list[K]) -> None:
        try:
            values = await self._load(keys)
        except Exception as error:  # handed on: the callers know what `load` raises
            for future in self._waiting_for(keys):
                future.set_exception(error)
        else:
            for key, value in zip(keys, values, strict=True):
                for future in self._waiting_for([key]):
                    future.set_result(value)

    def _waiting_for(self, keys: list[K]) -> "list[asyncio.Future[V]]":
        futures = [future for key in keys for future in self._wanted.pop(key)]
        return [future for future in futures if not future.done()]
