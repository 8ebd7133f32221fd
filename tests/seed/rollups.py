"""Adding to both rollups what the clicks of a transaction add, as click-ingest would have."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from tests.seed.click_rows import CountKey
from tests.seed.connections import Connection, copy_rows

_CREATE_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS seeded_counts (
    link_id bigint, type click_type, hour timestamptz, is_bot boolean, clicks bigint
) ON COMMIT DELETE ROWS
"""
_COLUMNS = ("link_id", "type", "hour", "is_bot", "clicks")

# Totals first, and in the order of the key, as click-ingest does it (its hourly counts are in a
# WITH, which PostgreSQL runs last): who takes rows in one order cannot deadlock.
_ADD_TOTAL = """
INSERT INTO click_counts_total AS counts (link_id, type, is_bot, clicks)
SELECT link_id, type, is_bot, sum(clicks) FROM seeded_counts GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (link_id, type, is_bot) DO UPDATE SET clicks = counts.clicks + excluded.clicks
"""
_ADD_HOURLY = """
INSERT INTO click_counts_hourly AS counts (link_id, type, hour, is_bot, clicks)
SELECT link_id, type, hour, is_bot, clicks FROM seeded_counts ORDER BY 1, 2, 3, 4
ON CONFLICT (link_id, type, hour, is_bot)
DO UPDATE SET clicks = counts.clicks + excluded.clicks
"""


async def add_counts(connection: Connection, counts: Mapping[CountKey, int]) -> None:
    """Add them within the caller's transaction.

    Counted while the rows were made and copied once more: half of what it costs to let PostgreSQL
    group the rows that it has just stored.
    """
    await connection.execute(_CREATE_STAGE)
    rows = (
        f"{link_id}\t{kind}\t{_hour(hour)}\t{'tf'[not is_bot]}\t{clicks}\n"
        for (link_id, kind, hour, is_bot), clicks in counts.items()
    )
    await copy_rows(connection, "seeded_counts", _COLUMNS, rows)
    await connection.execute(_ADD_TOTAL)
    await connection.execute(_ADD_HOURLY)


@lru_cache(maxsize=4096)
def _hour(number: int) -> str:
    return str(datetime.fromtimestamp(number * 3600, UTC))
