"""One batch of clicks, its counts and its ledger entries: one transaction.

Clicks go by COPY into a temporary table and from there into `clicks`: half the time of arrays in
`unnest`, on both sides. The transaction is asyncpg's own, on a connection from SQLAlchemy's pool:
SQLAlchemy begins its transaction only when a statement goes through it, so that COPY on the raw
connection inside `engine.begin()` would be a transaction of its own.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
from msgspec.structs import astuple
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest import ledger
from click_ingest.batch import ClickBatch
from click_ingest.refusal import Refusal, refusal_of
from click_ingest.user_agent import UserAgents
from shared.click_event import ClickEvent

# The members of ClickEvent in their order, and what is added here. Made again only where the
# pool has a new connection; `ip` is text because asyncpg takes an inet only as a Python object.
_CREATE_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_clicks (
    id uuid, clicked_at timestamptz, domain text, short_code text, link_id bigint,
    type click_type, visited_url text, redirect_url text, referer text, user_agent text,
    accept_language text, ip text, visitor text, request_id text,
    message integer, is_bot boolean, browser text, operating_system text, device text
) ON COMMIT DELETE ROWS
"""

_INSERT = """
INSERT INTO clicks (
    id, clicked_at, link_id, type, is_bot, domain, short_code, visited_url, redirect_url, referer,
    user_agent, browser, operating_system, device, accept_language, ip, visitor, request_id
)
SELECT
    id, clicked_at, link_id, type, is_bot, domain, short_code, visited_url, redirect_url, referer,
    user_agent, browser, operating_system, device, accept_language, ip::inet, visitor, request_id
FROM staged_clicks
ON CONFLICT (id) DO NOTHING
"""

# Counts come from the rows that were inserted, so that a batch that comes again counts nothing.
# ORDER BY the key: upserts in any other order make workers deadlock on each other's keys.
_STORE = f"""
WITH inserted AS ({_INSERT} RETURNING id, clicked_at, link_id, type, is_bot),
counted AS (
    SELECT coalesce(link_id, 0) AS link_id, type, date_trunc('hour', clicked_at, 'UTC') AS hour,
        is_bot, count(*) AS clicks
    FROM inserted GROUP BY 1, 2, 3, 4
),
hourly AS (
    INSERT INTO click_counts_hourly AS counts (link_id, type, hour, is_bot, clicks)
    SELECT link_id, type, hour, is_bot, clicks FROM counted ORDER BY 1, 2, 3, 4
    ON CONFLICT (link_id, type, hour, is_bot)
    DO UPDATE SET clicks = counts.clicks + excluded.clicks
),
total AS (
    INSERT INTO click_counts_total AS counts (link_id, type, is_bot, clicks)
    SELECT link_id, type, is_bot, sum(clicks) FROM counted GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (link_id, type, is_bot)
    DO UPDATE SET clicks = counts.clicks + excluded.clicks
)
SELECT message, count(*) FROM inserted JOIN staged_clicks USING (id) GROUP BY message
"""  # noqa: S608 - made of constants

_Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class ClickWriter:
    """Stores batches, each exactly once however often it is written.

    A batch that comes again, or of which nobody knows whether its commit took effect, is written
    again: rows are known by their id, and everything else follows from the rows that are new.
    """

    __slots__ = ("_engine", "_user_agents")

    def __init__(self, engine: AsyncEngine, *, user_agents: UserAgents) -> None:
        self._engine = engine
        self._user_agents = user_agents

    async def write(self, batch: ClickBatch) -> int:
        """Store the batch's clicks and what it adds to counts and ledger; return the new rows.

        Raises:
            Exception: nothing is stored, or the outcome is unknown. `refusal_of` tells whether
                some click is at fault; if none is, write the batch again.
        """
        entries = batch.ledger_entries()
        stored = 0
        async with self._connection() as connection, connection.transaction():
            if batch.clicks:
                await self._stage(connection, batch.clicks, batch.message_numbers)
                for number, rows in await connection.fetch(_STORE):
                    origin = batch.messages[number].origin
                    if origin is not None:
                        entries[origin.source].stored += rows
                        entries[origin.source].recovered += rows if origin.is_replay else 0
                    stored += rows
            await ledger.record(connection, entries)
        return stored

    async def refusal(self, clicks: Sequence[ClickEvent]) -> Refusal | None:
        """Tell whether PostgreSQL refuses these clicks; leaves nothing behind."""
        async with self._connection() as connection:
            attempt = connection.transaction()
            await attempt.start()
            try:
                await self._stage(connection, clicks, {})
                await connection.execute(_INSERT)
            except Exception as error:
                refusal = refusal_of(error)
                if refusal is None:
                    raise
                return refusal
            finally:
                await attempt.rollback()
        return None

    async def _stage(
        self,
        connection: _Connection,
        clicks: Sequence[ClickEvent],
        message_numbers: Mapping[str, int],
    ) -> None:
        await connection.execute(_CREATE_STAGE)
        rows = self._rows(clicks, message_numbers)
        await connection.copy_records_to_table("staged_clicks", records=rows)

    def _rows(
        self, clicks: Sequence[ClickEvent], message_numbers: Mapping[str, int]
    ) -> Iterator[tuple[object, ...]]:
        recognise = self._user_agents.recognise
        for click in clicks:
            agent = recognise(click.user_agent)
            yield (
                *astuple(click),
                message_numbers.get(click.id),
                agent.is_bot,
                agent.browser,
                agent.operating_system,
                agent.device,
            )

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Connection]:
        async with self._engine.connect() as pooled:
            driver = (await pooled.get_raw_connection()).driver_connection
            assert driver is not None  # noqa: S101 - None only once it was given back
            try:
                yield driver
            except BaseException as error:
                # The pool has seen nothing of this, and must not give the connection to the next.
                if not isinstance(error, Exception) or refusal_of(error) is None:
                    await pooled.invalidate()
                raise
