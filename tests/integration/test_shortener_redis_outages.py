"""Links that change while Redis is away: seen once it is back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest
from redis.asyncio import Redis

from shared.link import Link
from shared.link_cache import LinkCache
from tests.support.api import running_shortener
from tests.support.database import fetch
from tests.support.short_urls import LONG_URL, try_to_create
from tests.support.tcp_proxy import TcpProxy, proxied


@pytest.fixture
async def redis_door(redis_url: str) -> AsyncIterator[tuple[TcpProxy, str]]:
    """The door to Redis, and the URL that leads through it."""
    async with proxied(redis_url) as door:
        yield door


@pytest.fixture
async def client(
    database_url: str, redis_door: tuple[TcpProxy, str]
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a shortener that reaches Redis through the door."""
    async with running_shortener(database_url, redis_door[1]) as client:
        yield client


@pytest.fixture
async def full_redis(redis_url: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Leave Redis no room, and nothing that it may drop to make some."""
    async with Redis.from_url(redis_url) as redis:
        before = await redis.config_get("maxmemory*")

        async def fill() -> None:
            await redis.config_set("maxmemory-policy", "noeviction")
            await redis.config_set("maxmemory", 1)

        yield fill
        for name in ("maxmemory", "maxmemory-policy"):
            await redis.config_set(name, str(before[name]))


async def cached(cache: LinkCache, code: str) -> Link | None:
    """Return what redirectors find."""
    return (await cache.get_many([("", code)]))[0]


async def wait_for_location(cache: LinkCache, code: str, location: str) -> None:
    """Wait until the cache leads there."""
    async with asyncio.timeout(10):
        while (link := await cached(cache, code)) is None or link.location != location:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("way", ["shut", "freeze"])
async def test_changes_without_redis_arrive_when_it_is_back(
    client: httpx2.AsyncClient,
    cache: LinkCache,
    redis_door: tuple[TcpProxy, str],
    way: str,
) -> None:
    """A dead or frozen Redis fails no call, and learns all once it is back."""
    await try_to_create(client, customSlug="edited")
    await try_to_create(client, customSlug="deleted")
    for code in ("edited", "deleted"):
        await wait_for_location(cache, code, LONG_URL)
    getattr(redis_door[0], way)()
    assert (await try_to_create(client, customSlug="created")).status_code == 200
    edit = {"longUrl": "https://example.org/new"}
    assert (await client.patch("/short-urls/edited", json=edit)).status_code == 200
    assert (await client.delete("/short-urls/deleted")).status_code == 204
    link = await cached(cache, "edited")
    assert link is not None
    assert link.location == LONG_URL

    redis_door[0].mend()
    await wait_for_location(cache, "edited", "https://example.org/new")
    await wait_for_location(cache, "created", LONG_URL)
    await wait_for_location(cache, "deleted", "")


@pytest.mark.usefixtures("patience")
async def test_the_outbox_is_empty_again_after_redis_was_away(
    client: httpx2.AsyncClient, redis_door: tuple[TcpProxy, str], database_url: str
) -> None:
    """No row is left over, neither from before nor from after."""
    redis_door[0].shut()
    for _ in range(5):
        await try_to_create(client)
    assert len(await fetch(database_url, "SELECT FROM link_outbox")) == 5
    redis_door[0].mend()
    async with asyncio.timeout(5):
        while await fetch(database_url, "SELECT FROM link_outbox"):
            await asyncio.sleep(0.02)
    await try_to_create(client)
    assert not await fetch(database_url, "SELECT FROM link_outbox")


async def test_a_lost_change_of_a_dead_process_is_relayed(
    client: httpx2.AsyncClient, cache: LinkCache, database_url: str
) -> None:
    """What a process noted and could not apply before it died, any other process applies."""
    await fetch(
        database_url,
        "WITH dead AS (INSERT INTO links (short_code, long_url, long_url_hash)"
        " VALUES ('orphan', 'https://example.org/', '') RETURNING version)"
        " INSERT INTO link_outbox (domain, short_code, version)"
        " SELECT '', 'orphan', version FROM dead",
    )
    await wait_for_location(cache, "orphan", "https://example.org/")


async def test_the_relay_writes_what_is_true_now(
    client: httpx2.AsyncClient, cache: LinkCache, database_url: str
) -> None:
    """An old row does not bring an old state back, also not that of a deleted link."""
    created = await try_to_create(client, customSlug="gone")
    assert created.status_code == 200
    version = (await fetch(database_url, "SELECT version FROM links"))[0]["version"]
    await client.delete("/short-urls/gone")
    tombstone = await cached(cache, "gone")
    await fetch(
        database_url,
        "INSERT INTO link_outbox (domain, short_code, version) VALUES ('', 'gone', $1)",
        version,
    )
    async with asyncio.timeout(5):
        while await fetch(database_url, "SELECT FROM link_outbox"):
            await asyncio.sleep(0.02)
    assert await cached(cache, "gone") == tombstone
    assert tombstone is not None
    assert not tombstone.is_known


async def test_it_starts_without_redis_and_says_degraded(
    database_url: str, redis_door: tuple[TcpProxy, str]
) -> None:
    """A dead Redis prevents neither the start nor the work."""
    redis_door[0].shut()
    async with running_shortener(database_url, redis_door[1]) as client:
        assert (await try_to_create(client)).status_code == 200
        readiness = await client.get("http://shortener/readyz")
        assert (readiness.status_code, readiness.json()["status"]) == (200, "degraded")


async def test_a_full_redis_forgets_a_link_that_changed(
    client: httpx2.AsyncClient, cache: LinkCache, full_redis: Callable[[], Awaitable[None]]
) -> None:
    """A Redis that may not evict and has no room holds no link that leads where it led before."""
    for code in ("edited", "deleted"):
        await try_to_create(client, customSlug=code)
        await wait_for_location(cache, code, LONG_URL)
    await full_redis()
    edit = {"longUrl": "https://example.org/new"}
    assert (await client.patch("/short-urls/edited", json=edit)).status_code == 200
    assert (await client.delete("/short-urls/deleted")).status_code == 204
    async with asyncio.timeout(10):
        while await cached(cache, "edited") or await cached(cache, "deleted"):
            await asyncio.sleep(0.01)
