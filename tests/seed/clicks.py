"""Seeding clicks: rows, counts and ledger entries go in together, some thousands at a time.

However a run ends, the sum of the counts is the number of rows. Each connection is a spool of its
own in the ledger, whose clicks all arrived, in order.
"""

from collections import deque
from datetime import UTC, datetime
from random import Random
from uuid import uuid4

from prometheus_client import Gauge

from click_ingest import ledger
from click_ingest.ledger import LedgerEntry
from click_ingest.partitions import Partitions
from shared.db.engine import create_engine
from shared.settings import Secret
from tests.seed.click_rows import COLUMNS, ClickRows
from tests.seed.clicked_links import ClickedLinks
from tests.seed.connections import Connection, copy_rows, lanes
from tests.seed.links import Progress
from tests.seed.rollups import add_counts
from tests.seed.statistics import Statistics
from tests.seed.visitors import Visitors

DAYS = 90

_DAY_MS = 86_400_000
_PARTITIONS_TIMEOUT_S = 600.0


async def seed_clicks(
    dsn: str,
    count: int,
    *,
    seed: int = 1,
    days: int = DAYS,
    ends_at: datetime | None = None,
    domain: str = "localhost:8080",
    chunk_rows: int = 50_000,
    progress: Progress = lambda rows: None,
) -> None:
    """Add `count` clicks on the links that there are, spread over the `days` before `ends_at`.

    `chunk_rows` is how many go into one transaction: the more, the less often counts are written.
    `ends_at` is now if not given. The same arguments make the same rows in equal databases, and
    other rows in one that has these.

    Raises:
        NoLinksError: there are no links.
    """
    ends_at = ends_at or datetime.now(UTC)
    await _make_partitions(dsn, ends_at, days)
    end_ms = round(ends_at.timestamp() * 1000)
    width_ms = days * _DAY_MS
    first_ms = end_ms - width_ms
    visitors = Visitors()
    async with lanes(dsn) as run:
        links = await ClickedLinks.of(run.first, domain)
        # Every run adds a source, so it draws other clicks than those before it.
        number = await run.first.fetchval("SELECT count(*) FROM click_sources")
        starts = deque(range(0, count, chunk_rows))
        statistics = Statistics()

        async def store(connection: Connection) -> None:
            source, stored = uuid4(), 0
            while starts:
                start = starts.popleft()
                clicks = min(chunk_rows, count - start)
                random = Random(f"clicks {seed} {number} {start}")  # noqa: S311 - no secret
                rows = ClickRows(
                    random,
                    await links.draw(connection, random, clicks),
                    first_ms + width_ms * start // count,
                    first_ms + width_ms * (start + clicks) // count,
                )
                async with connection.transaction():
                    await connection.execute("SET LOCAL synchronous_commit = off")
                    await copy_rows(connection, "clicks", COLUMNS, rows.rows(visitors))
                    await add_counts(connection, rows.counts)
                    await statistics.leave(connection, rows)
                    await ledger.record(connection, {source: _arrived(stored, clicks)})
                await statistics.fold(connection)
                stored += clicks
                progress(clicks)

        await run.each(store)
        # Not clicks: a sample of each partition would take a tenth of the time of a big run, and
        # autovacuum does it.
        await statistics.fold(run.first)
        await run.first.execute(
            "ANALYZE click_counts_hourly, click_counts_total, click_statistics"
        )
        # At once what the shortener would fold for minutes.
        await run.first.execute("SELECT recount_visits()")
        await run.first.execute("ANALYZE link_visits")


def _arrived(stored: int, clicks: int) -> LedgerEntry:
    end = stored + clicks
    return LedgerEntry([range(stored, end)], stored=clicks, appended=end, confirmed=end)


async def _make_partitions(dsn: str, ends_at: datetime, days: int) -> None:
    engine = create_engine(
        Secret(dsn),
        application_name="qck seed partitions",
        pool_size=1,
        statement_timeout_s=_PARTITIONS_TIMEOUT_S,
    )
    gauge = Gauge("seeded_horizon_seconds", "Asked for, and read by nobody.", registry=None)
    try:
        await Partitions(
            engine,
            days_ahead=1,
            days_behind=days,
            retention_days=0,
            gauge=gauge,
            clock=lambda: ends_at,
        ).ensure()
    finally:
        await engine.dispose()
