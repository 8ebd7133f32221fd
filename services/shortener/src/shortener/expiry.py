"""Deleting what has had its time: answers kept for repeated requests, old audit entries."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from sqlalchemy import Table, delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.schema import audit_log, idempotent_answers
from shortener.transactions import TRY_LATER, write

log = structlog.get_logger()

INTERVAL_S = 600.0
CHUNK_ROWS = 5000
"""In one transaction, so that none is long."""

Sleep = Callable[[float], Awaitable[None]]


class Expiry:
    """Looks every ten minutes; several replicas may do so at once."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        idempotency_max_age_s: float,
        audit_retention_days: int,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._ages = [(idempotent_answers, "created_at", timedelta(seconds=idempotency_max_age_s))]
        if audit_retention_days:
            self._ages.append((audit_log, "occurred_at", timedelta(days=audit_retention_days)))
        self._sleep = sleep

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                await self.turn()
            except TRY_LATER as error:  # or not migrated yet
                log.warning("expiry_failed", reason=str(error))
            await self._sleep(INTERVAL_S)

    async def turn(self) -> int:
        """Delete all that is too old; return how many rows that was.

        Raises:
            DatabaseUnavailableError: the rest waits for the next turn.
        """
        return sum([await self._delete(*each) for each in self._ages])

    async def _delete(self, table: Table, moment: str, max_age: timedelta) -> int:
        keys = tuple_(*table.primary_key.columns)
        old = (
            select(*table.primary_key.columns)
            .where(table.c[moment] < func.now() - max_age)
            .limit(CHUNK_ROWS)
            .with_for_update(skip_locked=True)  # past what another replica deletes
        )
        statement = delete(table).where(keys.in_(old))
        deleted = 0
        while True:
            result = await write(self._engine, lambda on: on.execute(statement))
            deleted += result.rowcount
            if result.rowcount < CHUNK_ROWS:
                return deleted
