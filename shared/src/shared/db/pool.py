"""SQLAlchemy's pool of connections, which also tells how busy it is."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, Pool

from shared.pool_usage import PoolUsage


class WatchedPool(AsyncAdaptedQueuePool):
    """Keeps `usage` up to date at every checkout and return."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.usage = PoolUsage(self.size())

    def recreate(self) -> "WatchedPool":
        """Make the pool that takes over when an engine is disposed; its usage goes on."""
        pool = super().recreate()
        assert isinstance(pool, WatchedPool)  # noqa: S101 - SQLAlchemy makes it of this class
        pool.usage = self.usage
        return pool

    def _do_get(self) -> ConnectionPoolEntry:
        try:
            with self.usage.one_waits():
                return super()._do_get()
        finally:
            self.usage.note_in_use(self.checkedout())

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        self.usage.note_in_use(self.checkedout())


def pool_usage(engine: AsyncEngine) -> PoolUsage:
    """Return how busy the pool of an engine is that `create_engine` has made."""
    pool: Pool = engine.pool
    assert isinstance(pool, WatchedPool)  # noqa: S101 - no other engines are made
    return pool.usage
