"""redis-py's pool of connections, which also tells how busy it is."""

from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection

from shared.pool_usage import PoolUsage


class WatchedPool(ConnectionPool):
    """Keeps `usage` up to date whenever a connection is taken or given back."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.usage = PoolUsage(self.max_connections)

    async def get_connection(self, *_: Any, **__: Any) -> AbstractConnection:
        """Take a connection, open; what it is for is of no use to redis-py any more."""
        try:
            with self.usage.one_waits():
                connection: AbstractConnection = await super().get_connection()  # type: ignore[no-untyped-call]
                return connection
        finally:
            self.usage.note_in_use(len(self._in_use_connections))

    async def release(self, connection: AbstractConnection) -> None:
        """Give it back."""
        await super().release(connection)
        self.usage.note_in_use(len(self._in_use_connections))


def pool_usage(redis: Redis) -> PoolUsage:
    """Return how busy the pool of a client is that `create_redis` has made."""
    pool = redis.connection_pool
    assert isinstance(pool, WatchedPool)  # noqa: S101 - no other clients are made
    return pool.usage
