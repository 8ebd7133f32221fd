"""The redirects that visitors saw answered, compared as a set with the rows that are stored.

The comparison is the database's: millions of ids go in by COPY, and never into memory here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

from tests.seed.connections import copy_rows
from tests.support.stored import read_counts

_CREATE = 'CREATE UNLOGGED TABLE bench_answered (request_id text COLLATE "C" NOT NULL)'
_DROP = "DROP TABLE IF EXISTS bench_answered"

# More than the 8 MB that a service's statement gets: what does not fit goes to disk.
_WORK_MEM = "SET work_mem = '64MB'"

_COMPARE = """
SELECT (SELECT count(*) FROM bench_answered) AS answered,
    (SELECT count(*) FROM clicks) AS rows,
    (SELECT count(*) FROM bench_answered AS answered
        WHERE NOT EXISTS (SELECT FROM clicks WHERE clicks.request_id = answered.request_id)
    ) AS lost,
    (SELECT coalesce(sum(rows - 1), 0)::bigint FROM (
        SELECT count(*) AS rows FROM clicks GROUP BY request_id HAVING count(*) > 1
    ) AS repeated) AS doubled
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the two sets, the counts and the ledger have in common, and what not."""

    answered: int
    rows: int
    lost: int
    """Answered, and no row."""
    doubled: int
    """Rows that are one more for the same request."""
    hourly: int
    total: int
    ledger: int
    rollup_differences: int
    dead_lettered: int
    ledger_holes: int

    def wrong(self, unanswered: int) -> list[str]:
        """Return in words what must not be; `unanswered` visits may have a row or not."""
        unexplained = self.rows - self.doubled - (self.answered - self.lost) - unanswered
        sums = {"by hour": self.hourly, "in total": self.total, "in the ledger": self.ledger}
        found = [
            (self.lost, f"{self.lost:,} answered redirects have no row"),
            (self.doubled, f"{self.doubled:,} clicks are stored twice"),
            (unexplained > 0, f"{unexplained:,} rows that no visit explains"),
            (self.rollup_differences, f"{self.rollup_differences:,} counts differ from rows"),
            (self.dead_lettered, f"{self.dead_lettered:,} clicks are dead letters"),
            (self.ledger_holes, f"{self.ledger_holes:,} sources have holes in the ledger"),
        ]
        texts = [text for is_wrong, text in found if is_wrong]
        texts += [
            f"{self.rows:,} rows, but {count:,} {name}"
            for name, count in sums.items()
            if count != self.rows
        ]
        return texts


async def compare(database_url: str, request_ids: Iterable[bytes]) -> Comparison:
    """Load what was answered, and compare."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(_DROP)
        await connection.execute(_CREATE)
        lines = (f"{request_id.hex()}\n" for request_id in request_ids)
        await copy_rows(connection, "bench_answered", ["request_id"], lines)
        await connection.execute("ANALYZE bench_answered")
        await connection.execute(_WORK_MEM)
        sets = await connection.fetchrow(_COMPARE)
        counts = await read_counts(connection)
        await connection.execute(_DROP)
    finally:
        await connection.close()
    assert sets is not None
    return Comparison(**sets, **counts)
