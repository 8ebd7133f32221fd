"""One batch of clicks, its counts, its delta and its ledger entries: one transaction.

Clicks go by COPY straight into `clicks`, which takes a third of the time of any INSERT, and
counts follow from what was sent: COPY stores every row or none. So the price of a click that is
stored already is paid only where there is one. The transaction is asyncpg's own, on a connection
from SQLAlchemy's pool: SQLAlchemy begins its transaction only when a statement goes through it,
so that COPY on the raw connection inside `engine.begin()` would be a transaction of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import asyncpg
from msgspec.structs import astuple
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest import click_counts, click_deltas, ledger
from click_ingest.batch import ClickBatch
from click_ingest.driver_connection import Connection, driver_connection
from click_ingest.refusal import Refusal, refusal_of
from click_ingest.user_agent import UserAgents
from shared.click_event import ClickEvent

_COLUMNS = (*ClickEvent.__struct_fields__, "is_bot", "browser", "operating_system", "device")

# The bounds let PostgreSQL leave out the partitions of other days.
_STORED = "SELECT id FROM clicks WHERE id = ANY($1::uuid[]) AND id BETWEEN $2 AND $3"


class StoredClickNotFoundError(Exception):
    """PostgreSQL says that a click is stored and does not find it: it was deleted just now."""


class ClickWriter:
    """Stores batches, each exactly once however often it is written.

    A batch that comes again, or of which nobody knows whether its commit took effect, is written
    again: rows are known by their id, and everything else follows from the rows that are new.
    Batches may be written at once, also by several workers. `before_commit` is called when all
    but the commit is done.
    """

    __slots__ = ("_before_commit", "_engine", "_user_agents")

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        user_agents: UserAgents,
        before_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._before_commit = before_commit
        self._user_agents = user_agents

    async def write(self, batch: ClickBatch) -> int:
        """Store the batch's clicks and what it adds to counts and ledger; return the new rows.

        Raises:
            Exception: nothing is stored, or the outcome is unknown. `refusal_of` tells whether
                some click is at fault; if none is, write the batch again.
        """
        async with self._connection() as connection, connection.transaction():
            new = await self._insert(connection, batch.clicks)
            hours, recognise = click_counts.hours_of(new), self._user_agents.recognise
            await click_deltas.record(connection, new, hours, recognise)
            # Rows that others wait for, so as late as can be.
            await click_counts.record(connection, new, hours, recognise)
            await ledger.record(connection, batch.ledger_entries(new))
            self._before_commit()
        return len(new)

    async def refusal(self, clicks: Sequence[ClickEvent]) -> Refusal | None:
        """Tell whether PostgreSQL refuses these clicks; leaves nothing behind."""
        async with self._connection() as connection:
            attempt = connection.transaction()
            await attempt.start()
            try:
                await self._insert(connection, clicks)
            except Exception as error:
                refusal = refusal_of(error)
                if refusal is None:
                    raise
                return refusal
            finally:
                await attempt.rollback()
        return None

    async def _insert(
        self, connection: Connection, clicks: Sequence[ClickEvent]
    ) -> Sequence[ClickEvent]:
        """Store those of the clicks that are not, and return them."""
        while clicks:
            try:
                async with connection.transaction():  # a savepoint
                    await connection.copy_records_to_table(
                        "clicks", columns=_COLUMNS, records=self._rows(clicks)
                    )
                break
            except asyncpg.UniqueViolationError:
                clicks = await self._without_stored(connection, clicks)
        return clicks

    async def _without_stored(
        self, connection: Connection, clicks: Sequence[ClickEvent]
    ) -> Sequence[ClickEvent]:
        new = {UUID(click.id): click for click in clicks}  # spelt in two ways it is one id
        for (click_id,) in await connection.fetch(_STORED, list(new), min(new), max(new)):
            del new[click_id]
        if len(new) == len(clicks):
            raise StoredClickNotFoundError
        return list(new.values())

    def _rows(self, clicks: Sequence[ClickEvent]) -> Iterator[tuple[object, ...]]:
        recognise = self._user_agents.recognise
        for click in clicks:
            agent = recognise(click.user_agent)
            yield (
                *astuple(click),
                agent.is_bot,
                agent.browser,
                agent.operating_system,
                agent.device,
            )

    def _connection(self) -> AbstractAsyncContextManager[Connection]:
        return driver_connection(
            self._engine, is_harmless=lambda error: refusal_of(error) is not None
        )
