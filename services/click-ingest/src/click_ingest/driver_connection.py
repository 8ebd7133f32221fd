"""asyncpg's own connections out of SQLAlchemy's pool: for COPY, and for transactions around it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@asynccontextmanager
async def driver_connection(
    engine: AsyncEngine, *, is_harmless: Callable[[Exception], bool] = lambda _: False
) -> AsyncIterator[Connection]:
    """Lend a connection; one that something failed on is closed, unless that `is_harmless`."""
    async with engine.connect() as pooled:
        connection = (await pooled.get_raw_connection()).driver_connection
        assert connection is not None  # noqa: S101 - None only once it was given back
        try:
            yield connection
        except BaseException as error:
            # The pool has seen nothing of this, and must not give the connection to the next.
            if not isinstance(error, Exception) or not is_harmless(error):
                await pooled.invalidate()
            raise
