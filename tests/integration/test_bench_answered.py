"""Comparing what visitors saw answered with a real database."""

import asyncpg

from tests.bench.answered import compare
from tests.seed.clicks import seed_clicks
from tests.seed.links import seed_links

CLICKS = 300


async def test_lost_and_doubled_clicks_are_found(database_url: str) -> None:
    """Sets are compared: one answer without a row, and one row that is there twice."""
    await seed_links(database_url, 20)
    await seed_clicks(database_url, CLICKS, days=2)
    connection = await asyncpg.connect(database_url)
    try:
        ids = [
            bytes.fromhex(row["request_id"])
            for row in await connection.fetch("SELECT request_id FROM clicks")
        ]
        clean = await compare(database_url, ids)
        # A click is known by its id, which is made of the request's time too.
        await connection.execute(
            "UPDATE clicks SET request_id = $1 WHERE request_id = $2", ids[0].hex(), ids[1].hex()
        )
        dirty = await compare(database_url, ids)
    finally:
        await connection.close()
    assert clean.wrong(unanswered=0) == []
    assert (clean.answered, clean.rows, clean.ledger) == (CLICKS, CLICKS, CLICKS)
    assert (dirty.lost, dirty.doubled) == (1, 1)
