"""An engine whose connections take everything and store nothing: what is left is our own work."""

from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any


class NoDatabase:
    """Engine, pooled connection and driver in one, as far as click-ingest writes with them."""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["NoDatabase"]:
        """Connect to nothing."""
        yield self

    async def get_raw_connection(self) -> "NoDatabase":
        """Return this, for its `driver_connection`."""
        return self

    @property
    def driver_connection(self) -> "NoDatabase":
        """The driver's connection."""
        return self

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Commit nothing."""
        yield

    async def executemany(self, statement: str, parameters: Iterable[object]) -> None:
        """Look at every row's."""
        for _ in parameters:
            pass

    async def copy_records_to_table(
        self, table: str, *, records: Iterable[object], columns: Iterable[str] = ()
    ) -> None:
        """Look at every record."""
        deque(records, maxlen=0)

    async def execute(self, statement: str, *arguments: Any) -> None:
        """Do nothing."""

    async def fetch(self, statement: str, *arguments: Any) -> list[Any]:
        """Find nothing."""
        return []
