"""What links and clicks take on the disk, indexes included."""

from dataclasses import dataclass

import asyncpg

_SIZES = """
SELECT pg_total_relation_size('links') AS links_bytes,
    (SELECT sum(pg_total_relation_size(relid))::bigint FROM pg_partition_tree('clicks'))
        AS clicks_bytes,
    pg_total_relation_size('click_counts_hourly') + pg_total_relation_size('click_counts_total')
        AS counts_bytes,
    pg_total_relation_size('click_statistics') AS statistics_bytes
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSizes:
    """At one moment."""

    links_bytes: int
    clicks_bytes: int
    counts_bytes: int
    statistics_bytes: int


async def settle(database_url: str) -> TableSizes:
    """Vacuum, as autovacuum has long done with data that came bit by bit; return the sizes."""
    connection = await asyncpg.connect(database_url)
    try:
        for table in (
            "links", "clicks", "click_counts_hourly", "click_counts_total", "click_statistics",
        ):  # fmt: skip
            await connection.execute(f"VACUUM (ANALYZE) {table}")
        row = await connection.fetchrow(_SIZES)
    finally:
        await connection.close()
    assert row is not None
    return TableSizes(**row)
