"""What is stored in the end, compared with the backlog and with what visitors were answered."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from click_ingest.ledger_report import read_ledger
from tests.resilience.backlog.dead_redirectors import REQUEST_PREFIX
from tests.support.stored import read_counts
from tests.support.verdict import Stored, Verdict, judge
from tests.support.visit import Visit

_ROWS = """
SELECT count(*) AS rows, count(DISTINCT request_id) AS clicks
FROM clicks WHERE starts_with(request_id, $1)
"""
_OTHERS = "SELECT request_id FROM clicks WHERE NOT starts_with(request_id, $1)"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The visits' verdict, with everything that is wrong, and the backlog's own figures."""

    verdict: Verdict
    backlog: int
    backlog_lost: int
    backlog_doubled: int
    missing_in_ledger: int


async def compare(
    database_url: str,
    *,
    backlog: int,
    visits: Sequence[Visit],
    links: Sequence[str],
    shed: int,
    problems: Sequence[str],
) -> Outcome:
    """Take the backlog out of every figure, so that what is left must be the visits'."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            found = await connection.fetchrow(_ROWS, REQUEST_PREFIX)
            others = await connection.fetch(_OTHERS, REQUEST_PREFIX)
            counts = await read_counts(connection)
    finally:
        await connection.close()
    assert found is not None
    for figure in ("hourly", "total", "ledger"):
        counts[figure] -= found["rows"]
    spools, deleted = await read_ledger(database_url)
    missing = sum(row[6] for row in spools)
    lost, doubled = backlog - found["clicks"], found["rows"] - found["clicks"]
    wrong = (
        (lost, f"{lost} clicks of the backlog are lost"),
        (doubled, f"{doubled} clicks of the backlog are counted twice"),
        (missing, f"{missing} clicks are missing in the ledger"),
        (deleted, f"{deleted} rows were deleted"),
    )
    return Outcome(
        verdict=judge(
            visits,
            links=set(links),
            stored=Stored(request_ids=[row["request_id"] for row in others], **counts),
            shed=shed,
            is_excused=lambda _: False,
            problems=[*(text for is_wrong, text in wrong if is_wrong), *problems],
        ),
        backlog=backlog,
        backlog_lost=lost,
        backlog_doubled=doubled,
        missing_in_ledger=missing,
    )
