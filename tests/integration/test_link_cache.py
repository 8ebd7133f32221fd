"""The cache on a real Redis."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.link import unknown_link
from shared.link_cache import TOMBSTONE_TTL_S, LinkCache, LinkCacheSettings, cache_key
from shared.redis_client import create_redis
from shared.settings import Secret
from tests.support.links import a_link

KEY = ("", "abc")


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client as the services make it."""
    client = create_redis(Secret(redis_url), client_name="tests", pool_size=4, timeout_s=1)
    yield client
    await client.aclose()


@pytest.fixture
def cache(redis: Redis) -> LinkCache:
    """A cache with short times."""
    return LinkCache(redis, LinkCacheSettings(ttl_s=100, negative_ttl_s=10))


async def test_what_is_set_is_found(cache: LinkCache) -> None:
    """Links come back in the order of the keys, None where nothing is cached."""
    await cache.set_if_newer([(KEY, a_link()), (("d", "x"), a_link(link_id=8))])
    assert await cache.get_many([("d", "x"), ("", "nope"), KEY]) == [
        a_link(link_id=8), None, a_link(),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "wins"),
    [(1, 2, 2), (2, 1, 2), (9, 10, 10), (10, 9, 10), (99_999, 100_000, 100_000)],
)
async def test_only_a_newer_version_replaces(
    cache: LinkCache, first: int, second: int, wins: int
) -> None:
    """Whatever the order of arrival, the higher version stays."""
    for version in (first, second):
        await cache.set_if_newer([(KEY, a_link(version=version))])
    (link,) = await cache.get_many([KEY])
    assert link is not None
    assert link.version == wins


async def test_a_create_beats_a_cached_unknown(cache: LinkCache) -> None:
    """A negative entry never hides a link, and never replaces one."""
    await cache.set_if_newer([(KEY, unknown_link())])
    await cache.set_if_newer([(KEY, a_link(version=1))])
    await cache.set_if_newer([(KEY, unknown_link())])
    assert await cache.get_many([KEY]) == [a_link(version=1)]


async def test_a_tombstone_stops_a_slow_reader(cache: LinkCache) -> None:
    """A reader that read the row before its deletion cannot bring it back; a new link can."""
    await cache.set_if_newer([(KEY, unknown_link(5))])
    assert await cache.set_if_newer([(KEY, a_link(version=4))]) == 0
    assert await cache.get_many([KEY]) == [unknown_link(5)]
    assert await cache.set_if_newer([(KEY, a_link(version=6))]) == 1


async def test_times_to_live(cache: LinkCache, redis: Redis) -> None:
    """Links, negative entries and tombstones each live as long as they should."""
    await cache.set_if_newer(
        [(KEY, a_link()), (("", "no"), unknown_link()), (("", "gone"), unknown_link(3))]
    )
    assert 89 <= await redis.ttl(cache_key(KEY)) <= 100
    assert 8 <= await redis.ttl(cache_key(("", "no"))) <= 10
    assert TOMBSTONE_TTL_S - 2 <= await redis.ttl(cache_key(("", "gone"))) <= TOMBSTONE_TTL_S


async def test_a_hit_does_not_extend_life(cache: LinkCache, redis: Redis) -> None:
    """Reading, or writing the same version again, leaves the time to live alone."""
    await cache.set_if_newer([(KEY, a_link())])
    await redis.expire(cache_key(KEY), 5)
    await cache.get_many([KEY])
    await cache.set_if_newer([(KEY, a_link())])
    assert await redis.ttl(cache_key(KEY)) <= 5


async def test_a_dead_redis_fails_at_once() -> None:
    """The client does not retry: a refused connection is an error without delay."""
    client = create_redis(
        Secret("redis://127.0.0.1:1/0"), client_name="tests", pool_size=1, timeout_s=1
    )
    with pytest.raises(RedisError):
        await LinkCache(client, LinkCacheSettings()).get_many([KEY])
    await client.aclose()
