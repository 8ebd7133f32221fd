"""Watching the ledger: loss becomes a metric within a minute, without looking at any click."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.errors import DATABASE_ERRORS
from shared.metrics import IngestMetrics

INTERVAL_S = 10.0

_SUM = text("""
SELECT coalesce(sum(missing), 0)::bigint, coalesce(sum(in_flight), 0)::bigint,
    (SELECT count(*) FROM click_deletions WHERE NOT is_asked_for)
FROM click_ledger
""")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LedgerState:
    """Clicks, over all sources; `deleted` without those that the API was asked to delete."""

    missing: int
    in_flight: int
    deleted: int


class LedgerWatch:
    """Keeps `qck_ledger_missing_clicks` and its companions up to date, and logs each change."""

    __slots__ = ("_engine", "_metrics", "_sleep", "_told")

    def __init__(
        self,
        engine: AsyncEngine,
        metrics: IngestMetrics,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        # No transaction: SQLAlchemy waits for its end whoever is cancelled meanwhile, and forgets
        # that where it fails.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._metrics = metrics
        self._sleep = sleep
        self._told = (0, 0)

    async def keep(self) -> None:
        """Look every ten seconds; while the database is away the metrics stay as they were."""
        while True:
            try:
                await self.look()
            except DATABASE_ERRORS as error:
                log.warning("ledger_not_read", reason=repr(error))
            await self._sleep(INTERVAL_S)

    async def look(self) -> LedgerState:
        """Read the ledger once and set the metrics."""
        async with self._engine.connect() as connection:
            missing, in_flight, deleted = (await connection.execute(_SUM)).one()
        self._metrics.ledger_missing.set(missing)
        self._metrics.ledger_in_flight.set(in_flight)
        self._metrics.ledger_deleted.set(deleted)
        if (missing, deleted) != self._told:
            log.error("clicks_missing", missing=missing, deleted=deleted)
            self._told = (missing, deleted)
        return LedgerState(missing, in_flight, deleted)
