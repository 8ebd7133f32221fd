"""Reading what the database has of a run, and waiting until it has all of it."""

import asyncio
import time
from collections.abc import Collection
from pathlib import Path

import asyncpg

from tests.support.observe import Observer
from tests.support.verdict import Stored

LOOK_EACH_S = 0.5
QUIET_S = 3.0
"""Longer than a worker holds a batch, which is neither in the queue nor stored."""

COUNTS = """
WITH by_hour AS (
    SELECT coalesce(link_id, 0) AS link_id, type, is_bot,
        date_trunc('hour', clicked_at, 'UTC') AS hour, count(*) AS clicks
    FROM clicks GROUP BY 1, 2, 3, 4
), by_link AS (
    SELECT link_id, type, is_bot, sum(clicks)::bigint AS clicks FROM by_hour GROUP BY 1, 2, 3
)
SELECT
    (SELECT coalesce(sum(clicks), 0) FROM click_counts_hourly)::bigint AS hourly,
    (SELECT coalesce(sum(clicks), 0) FROM click_counts_total)::bigint AS total,
    (SELECT count(*) FROM by_hour FULL JOIN click_counts_hourly AS counted
        USING (link_id, type, is_bot, hour) WHERE by_hour.clicks IS DISTINCT FROM counted.clicks)
    + (SELECT count(*) FROM by_link FULL JOIN click_counts_total AS counted
        USING (link_id, type, is_bot) WHERE by_link.clicks IS DISTINCT FROM counted.clicks)
        AS rollup_differences,
    (SELECT coalesce(sum(stored), 0) FROM click_sources)::bigint AS ledger,
    (SELECT coalesce(sum(dead_lettered), 0) FROM click_sources)::bigint AS dead_lettered,
    (SELECT count(*) FROM click_sources
        WHERE received <> int8multirange(int8range(0, upper(received)))) AS ledger_holes
"""


async def read_stored(database_url: str, links: Collection[str]) -> Stored:
    """Read all that the verdict needs; `links` are the codes that must exist."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await connection.fetch("SELECT request_id FROM clicks")
            existing = await connection.fetchval(
                "SELECT count(*) FROM links WHERE short_code = ANY($1::text[])", list(links)
            )
            counts = await read_counts(connection)
    finally:
        await connection.close()
    return Stored(
        request_ids=[row["request_id"] for row in rows],
        missing_links=len(set(links)) - existing,
        **counts,
    )


async def read_counts(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, int]:
    """Read what rollups and ledger say of the rows: the members of `Stored` about counts."""
    counts = await connection.fetchrow(COUNTS)
    assert counts is not None
    return dict(counts)


async def wait_until_drained(
    observer: Observer, spool_root: Path, *, spools: int, within_s: float
) -> str:
    """Wait until spools and queue are empty and nothing more is stored; return what is left.

    `spools` is how many processes live: every folder above that was left by a dead one, and is
    there until somebody has adopted and published it.
    """
    deadline = time.monotonic() + within_s
    quiet_since, former = time.monotonic(), None
    while True:
        sample = await observer.look()
        folders = len([path for path in spool_root.iterdir() if path.is_dir()])
        is_empty = sample.spool_bytes == 0 and sample.queued == 0 and folders <= spools
        if not is_empty or sample.stored is None or sample.stored != former:
            quiet_since = time.monotonic()
        former = sample.stored
        if time.monotonic() - quiet_since >= QUIET_S:
            return ""
        if time.monotonic() > deadline:
            return (
                f"not drained after {within_s:.0f} s: {sample.spool_bytes} bytes in spools,"
                f" {folders} folders of spools, {sample.queued} messages in the queue"
            )
        await asyncio.sleep(LOOK_EACH_S)
