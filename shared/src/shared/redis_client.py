"""The Redis client as qck uses it: no client retries, hard time limits, a bounded pool.

redis-py retries ten times by default, so that a dead Redis would cost seconds a request and a
frozen one eleven times the timeout. Here an error is an error at once, and the caller decides.
"""

from contextlib import AsyncExitStack
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from shared.redis_pool import WatchedPool
from shared.settings import Secret


def create_redis(url: Secret, *, client_name: str, pool_size: int, timeout_s: float) -> Redis:
    """Make a client of at most `pool_size` connections, each command bounded by `timeout_s`.

    Opens no connection. A command beyond the pool's size fails with `MaxConnectionsError`, so
    callers bound their own concurrency.
    """
    pool = WatchedPool.from_url(
        url.reveal(),
        max_connections=pool_size,
        client_name=client_name,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
    return Redis.from_pool(pool)


async def warm(redis: Redis, connections: int) -> None:
    """Open `connections`, so that the first commands do not pay for connecting.

    Raises:
        redis.exceptions.RedisError | OSError | TimeoutError: the server does not answer.
    """
    pool: Any = redis.connection_pool
    async with AsyncExitStack() as opened:
        for _ in range(connections):
            connection = await pool.get_connection()
            opened.push_async_callback(pool.release, connection)
