"""How busy the pools of both stores are, told by real ones."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.db.engine import create_engine, warm
from shared.db.pool import pool_usage
from shared.redis_client import create_redis
from shared.redis_pool import pool_usage as redis_pool_usage
from shared.settings import Secret

DEADLINE_S = 5


async def test_connections_and_waiters_of_postgres(database_url: str) -> None:
    """What is taken is in use until it is given back, and whoever finds none waits."""
    engine = create_engine(
        Secret(database_url), application_name="tests", pool_size=2, statement_timeout_s=2,
        pool_timeout_s=DEADLINE_S,
    )  # fmt: skip
    usage = pool_usage(engine)
    await warm(engine, 2)
    assert (usage.size, usage.in_use) == (2, 0)

    async def take() -> None:
        async with engine.connect():
            pass

    async with engine.connect(), asyncio.TaskGroup() as tasks:
        assert usage.in_use == 1
        async with engine.connect():
            third = tasks.create_task(take())
            async with asyncio.timeout(DEADLINE_S):
                while usage.waiting != 1:
                    await asyncio.sleep(0)
            assert usage.in_use == 2
        await third
    assert (usage.in_use, usage.waiting) == (0, 0)
    assert usage.busy_s > 0
    await engine.dispose()
    assert pool_usage(engine) is usage


async def test_a_pool_that_stays_empty(database_url: str) -> None:
    """Who gave up waiting waits no more."""
    engine = create_engine(
        Secret(database_url), application_name="tests", pool_size=1, statement_timeout_s=2,
        pool_timeout_s=0.01,
    )  # fmt: skip
    usage = pool_usage(engine)
    async with engine.connect():
        with pytest.raises(PoolTimeoutError):
            await engine.connect()
        assert (usage.in_use, usage.waiting) == (1, 0)
    await engine.dispose()


async def test_a_database_that_is_away() -> None:
    """A connection that cannot be opened is in nobody's use."""
    engine = create_engine(
        Secret("postgresql://qck@127.0.0.1:1/qck"), application_name="tests", pool_size=1,
        statement_timeout_s=1,
    )  # fmt: skip
    with pytest.raises(ConnectionRefusedError):
        await engine.connect()
    assert (pool_usage(engine).in_use, pool_usage(engine).waiting) == (0, 0)
    await engine.dispose()


async def test_connections_of_redis(redis_url: str) -> None:
    """A connection is in use while its command runs."""
    redis = create_redis(Secret(redis_url), client_name="tests", pool_size=2, timeout_s=DEADLINE_S)
    usage = redis_pool_usage(redis)
    async with redis.client():
        assert (usage.size, usage.in_use, usage.waiting) == (2, 1, 0)
    assert usage.in_use == 0
    await redis.aclose()


async def test_a_redis_that_is_away() -> None:
    """A connection that cannot be opened is in nobody's use."""
    redis = create_redis(
        Secret("redis://127.0.0.1:1/0"), client_name="tests", pool_size=2, timeout_s=1
    )
    with pytest.raises(RedisConnectionError):
        await redis.ping()
    assert redis_pool_usage(redis).in_use == 0
    await redis.aclose()
