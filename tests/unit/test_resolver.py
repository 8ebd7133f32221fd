"""Resolving: which store is asked when, and what failure means."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from redirector import breaker
from redirector.resolver import Resolver
from redirector.stored_links import ResolveError, Store
from shared.background import background_tasks
from shared.link import Link, unknown_link
from shared.link_cache import LinkKey
from shared.metrics import RedirectorMetrics
from tests.support.links import FakeCache, FakeStore, a_link

KEY = ("", "abc")


@asynccontextmanager
async def a_resolver(
    cache: FakeCache, store: Store, *, cache_timeout_s: float = 0.05
) -> AsyncIterator[Resolver]:
    """Run a resolver on fakes."""
    async with background_tasks() as tasks:
        yield Resolver(
            cache=cache,
            store=store,
            metrics=RedirectorMetrics(CollectorRegistry()),
            tasks=tasks,
            cache_timeout_s=cache_timeout_s,
            store_timeout_s=0.2,
            store_calls=2,
        )


async def resolve(resolver: Resolver, key: LinkKey = KEY) -> Link:
    """Ask Redis, then PostgreSQL, as a redirect does."""
    (link,) = await resolver.find_cached([key])
    return link or await resolver.find_stored(key)


async def settle() -> None:
    """Let tasks that are ready run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_cached_link_needs_no_database() -> None:
    """A hit is answered from Redis alone."""
    store = FakeStore()
    async with a_resolver(FakeCache({KEY: a_link()}), store) as resolver:
        assert await resolve(resolver) == a_link()
    assert store.reads == []


async def test_a_miss_is_read_and_written_back() -> None:
    """A miss is answered from PostgreSQL and is a hit from then on."""
    cache = FakeCache()
    async with a_resolver(cache, FakeStore({KEY: a_link()})) as resolver:
        assert await resolve(resolver) == a_link()
        await settle()
    assert cache.links[KEY] == a_link()


class SlowCache(FakeCache):
    """Redis on a machine that is busy with something else."""

    async def set_if_newer(self, entries: Iterable[tuple[LinkKey, Link]]) -> int:
        """Store, a little later."""
        await asyncio.sleep(0.03)
        return await super().set_if_newer(entries)


async def test_writing_back_may_take_longer_than_a_lookup() -> None:
    """What nobody waits for is not given up after the deadline of what a visitor waits for."""
    cache = SlowCache()
    async with a_resolver(cache, FakeStore({KEY: a_link()}), cache_timeout_s=0.001) as resolver:
        assert await resolver.find_stored(KEY) == a_link()
        async with asyncio.timeout(5):
            while KEY not in cache.links:
                await asyncio.sleep(0.01)


async def test_an_unknown_code_becomes_a_negative_entry() -> None:
    """A code nobody knows is remembered as such, older than any link."""
    cache = FakeCache()
    async with a_resolver(cache, FakeStore()) as resolver:
        assert await resolve(resolver) == unknown_link()
        await settle()
    assert cache.links[KEY] == unknown_link(0)


async def test_many_at_once_cost_one_round_trip_each() -> None:
    """A hundred lookups of one turn are one MGET and one SELECT."""
    cache, store = FakeCache(), FakeStore()
    keys = [("", f"code{number}") for number in range(100)]
    async with a_resolver(cache, store) as resolver, asyncio.TaskGroup() as tasks:
        assert await resolver.find_cached(keys) == [None] * 100
        for key in keys:
            tasks.create_task(resolver.find_stored(key))
    assert [len(batch) for batch in cache.lookups] == [100]
    assert [len(batch) for batch in store.reads] == [100]


async def test_a_failing_redis_is_a_miss() -> None:
    """An error of Redis costs nobody their redirect."""
    cache = FakeCache()
    cache.error = ConnectionError("refused")
    async with a_resolver(cache, FakeStore({KEY: a_link()})) as resolver:
        assert await resolve(resolver) == a_link()


async def test_a_dead_redis_is_soon_not_asked_any_more() -> None:
    """After three failures lookups skip Redis, until a probe of its own finds it back."""
    cache = FakeCache({KEY: a_link(version=2)})
    cache.error = ConnectionError("refused")
    async with a_resolver(cache, FakeStore({KEY: a_link()})) as resolver:
        for _ in range(5):
            await resolve(resolver)
        assert len(cache.lookups) == 3
        cache.error = None
        async with asyncio.timeout(5):
            while (await resolve(resolver)).version != 2:
                await asyncio.sleep(0.01)
        assert cache.pings > 0


async def test_not_cached_and_no_database_cannot_be_resolved() -> None:
    """Only with PostgreSQL gone and nothing cached there is no answer."""
    store = FakeStore()
    store.error = OSError("refused")
    async with a_resolver(FakeCache(), store) as resolver:
        with pytest.raises(ResolveError):
            await resolve(resolver)


async def test_a_dead_database_is_soon_not_asked_any_more() -> None:
    """After three failures a miss fails at once, without waiting for PostgreSQL."""
    store = FakeStore()
    store.error = OSError("refused")
    async with a_resolver(FakeCache(), store) as resolver:
        for _ in range(5):
            with pytest.raises(ResolveError):
                await resolve(resolver)
        assert len(store.reads) == 3


class HeldStore(FakeStore):
    """PostgreSQL that says nothing until it fails."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = asyncio.Event()

    async def find_many(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
        """Fail, once told to."""
        self.reads.append(list(keys))
        await self.fails.wait()
        raise OSError("refused")


async def test_who_was_queued_when_the_database_died_does_not_ask_it_any_more() -> None:
    """Visitors who wait for the statements that open the breaker are let go with it."""
    store, keys = HeldStore(), [("", f"code{number}") for number in range(20)]

    async def find(resolver: Resolver, key: LinkKey) -> None:
        with pytest.raises(ResolveError):
            await resolver.find_stored(key)

    async with a_resolver(FakeCache(), store) as resolver, asyncio.timeout(10):
        store.fails.set()
        for _ in range(2):
            await find(resolver, KEY)
        store.fails.clear()
        async with asyncio.TaskGroup() as tasks:
            for read, key in enumerate(keys[:2], start=3):
                tasks.create_task(find(resolver, key))
                while len(store.reads) < read:
                    await asyncio.sleep(0)
            for key in keys[2:]:
                tasks.create_task(find(resolver, key))
            await settle()
            store.fails.set()
        assert resolver.given_up["postgres"]
    assert len(store.reads) == 4


class FailingStore:
    """PostgreSQL that fails, just when Redis has come back."""

    def __init__(self, cache: FakeCache) -> None:
        self._cache = cache

    async def find_many(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
        """Fail."""
        self._cache.error = None
        raise OSError("refused")

    async def ping(self) -> None:
        """Fail."""
        raise OSError("refused")


async def test_a_late_redis_is_asked_again_when_nobody_else_can_tell() -> None:
    """A cached link is answered although Redis was late and PostgreSQL is gone."""
    cache = FakeCache({KEY: a_link()})
    async with a_resolver(cache, FailingStore(cache)) as resolver:
        cache.error = TimeoutError()
        assert await resolve(resolver) == a_link()
    assert len(cache.lookups) == 2


async def test_a_redis_that_was_given_up_is_asked_when_nobody_else_can_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With PostgreSQL gone, nobody waits for the probe that would find Redis back."""
    monkeypatch.setattr(breaker, "PROBE_INTERVAL_S", 3600)
    cache, store = FakeCache({KEY: a_link(version=2)}), FakeStore({KEY: a_link()})
    async with a_resolver(cache, store) as resolver:
        cache.error = TimeoutError()
        for _ in range(3):
            assert await resolve(resolver) == a_link()
        cache.error, store.error = None, OSError("refused")
        assert await resolve(resolver) == a_link(version=2)
    assert cache.pings == 0
