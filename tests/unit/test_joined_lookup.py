"""Joining lookups of one event-loop turn."""

import asyncio

import pytest

from redirector.joined_lookup import JoinedLookup


class Loader:
    """Answers keys with themselves in upper case, when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def __call__(self, keys: list[str]) -> list[str]:
        """Look keys up."""
        self.batches.append(keys)
        await self.gate.wait()
        if self.error:
            raise self.error
        return [key.upper() for key in keys]


async def test_lookups_of_one_turn_are_one_call() -> None:
    """Keys asked for in one turn of the event loop reach the loader together."""
    loader = Loader()
    async with asyncio.TaskGroup() as tasks:
        lookup = JoinedLookup(loader, tasks=tasks, max_in_flight=2)
        futures = [lookup.get(key) for key in ("a", "b", "c")]
        assert [await future for future in futures] == ["A", "B", "C"]
    assert loader.batches == [["a", "b", "c"]]


async def test_a_hot_key_is_looked_up_once() -> None:
    """A key that is being looked up is not asked for again."""
    loader = Loader()
    loader.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        lookup = JoinedLookup(loader, tasks=tasks, max_in_flight=2)
        first = [lookup.get("a"), lookup.get("a")]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        late = lookup.get("a")
        loader.gate.set()
        assert [await future for future in (*first, late)] == ["A", "A", "A"]
    assert loader.batches == [["a"]]


async def test_keys_wait_while_all_calls_are_under_way() -> None:
    """Beyond the limit of calls, keys gather and become one bigger batch."""
    loader = Loader()
    loader.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        lookup = JoinedLookup(loader, tasks=tasks, max_in_flight=1)
        futures = [lookup.get("a")]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for key in ("b", "c"):
            futures.append(lookup.get(key))
            await asyncio.sleep(0)
        loader.gate.set()
        for future in futures:
            await future
    assert loader.batches == [["a"], ["b", "c"]]


async def test_a_batch_has_a_limit() -> None:
    """More keys than one call may have are split over calls."""
    loader = Loader()
    async with asyncio.TaskGroup() as tasks:
        lookup = JoinedLookup(loader, tasks=tasks, max_in_flight=1, max_batch=2)
        futures = [lookup.get(key) for key in ("a", "b", "c")]
        assert [await future for future in futures] == ["A", "B", "C"]
    assert loader.batches == [["a", "b"], ["c"]]


async def test_an_error_reaches_everyone_who_waits() -> None:
    """What the loader raises is raised to all, and the next lookup starts afresh."""
    loader = Loader()
    loader.error = ConnectionError("gone")
    async with asyncio.TaskGroup() as tasks:
        lookup = JoinedLookup(loader, tasks=tasks, max_in_flight=1)
        futures = [lookup.get("a"), lookup.get("a"), lookup.get("b")]
        for future in futures:
            with pytest.raises(ConnectionError):
                await future
        loader.error = None
        assert await lookup.get("a") == "A"


async def test_a_cancelled_waiter_leaves_the_others_alone() -> None:
    """Cancelling one future of a key does not cancel another's."""
    loader = Loader()
    loader.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        lookup = JoinedLookup(loader, tasks=tasks, max_in_flight=1)
        cancelled, kept = lookup.get("a"), lookup.get("a")
        await asyncio.sleep(0)
        cancelled.cancel()
        loader.gate.set()
        assert await kept == "A"
