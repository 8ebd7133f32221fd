"""Seeding a real PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.db.migrate import migrate
from shared.settings import Secret
from tests.seed.clicked_links import NoLinksError
from tests.seed.clicks import seed_clicks
from tests.seed.link_maker import LinkMaker
from tests.seed.links import seed_links
from tests.support.database import fetch
from tests.support.ingest import assert_counts_are_rows, stored_clicks
from tests.support.statistics import assert_statistics_are_rows

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


async def value(url: str, query: str, *arguments: Any) -> Any:
    """Return the one value that a query asks for."""
    return (await fetch(url, query, *arguments))[0][0]


async def codes(url: str) -> list[str]:
    """Return all short codes."""
    return [row[0] for row in await fetch(url, "SELECT short_code FROM links")]


async def test_links_are_those_that_the_result_lists(database_url: str) -> None:
    """Every listed code is in the table, with the hash by which its long URL is found."""
    seeded = await seed_links(database_url, 450, chunk_rows=100)
    assert len(seeded) == 450
    assert sorted(seeded.codes()) == sorted(await codes(database_url))
    assert await value(
        database_url, "SELECT bool_and(long_url_hash = sha256(long_url::bytea)) FROM links"
    )


async def test_seeding_again_adds_links(database_url: str) -> None:
    """The same seed makes other links the second time, and the API's next link has a free id."""
    first = await seed_links(database_url, 250, chunk_rows=100)
    second = await seed_links(database_url, 250, chunk_rows=100)
    assert not set(first.codes()) & set(second.codes())
    assert await value(database_url, "SELECT count(*) FROM links") == 500
    await fetch(
        database_url,
        "INSERT INTO links (short_code, long_url, long_url_hash) VALUES ('mine', '', '')",
    )


async def test_a_code_that_is_taken_costs_only_other_ids(database_url: str) -> None:
    """Where somebody has one of the codes, seeding still adds as many links as it was told."""
    await fetch(
        database_url,
        "INSERT INTO links (short_code, long_url, long_url_hash) VALUES ($1, '', '')",
        LinkMaker(1).code(42),
    )
    seeded = await seed_links(database_url, 250, seed=1, chunk_rows=100)
    assert [each for block in seeded.blocks for each in block] == [*range(102, 352)]
    assert set(seeded.codes()) < set(await codes(database_url))


async def test_counts_and_ledger_agree_with_rows(database_url: str) -> None:
    """After two runs all counts are those of what is stored, and the ledger misses nothing."""
    await seed_links(database_url, 200)
    for _ in range(2):
        await seed_clicks(database_url, 1000, ends_at=NOON, days=3, chunk_rows=300)
    assert await stored_clicks(database_url) == 2000
    await assert_counts_are_rows(database_url)
    await assert_statistics_are_rows(database_url)
    totals = await fetch(
        database_url,
        "SELECT sum(stored)::int, sum(received)::int, sum(appended)::int, sum(missing)::int,"
        " sum(in_flight)::int FROM click_ledger",
    )
    assert tuple(totals[0]) == (2000, 2000, 2000, 0, 0)


async def test_clicks_are_of_many_kinds(database_url: str) -> None:
    """They are spread over the days and over links, with bots and orphans among them."""
    await seed_links(database_url, 200)
    await seed_clicks(database_url, 3000, ends_at=NOON, days=3, chunk_rows=300)
    (row,) = await fetch(
        database_url,
        """
        SELECT min(clicked_at) AS first, max(clicked_at) AS last,
            count(DISTINCT link_id) AS links, count(DISTINCT user_agent) AS agents,
            count(*) FILTER (WHERE is_bot) AS bots,
            count(*) FILTER (WHERE link_id IS NULL) AS orphans,
            count(*) FILTER (WHERE type = 'link' AND (l.short_code, l.long_url)
                IS DISTINCT FROM (c.short_code, c.redirect_url)) AS wrong
        FROM clicks AS c LEFT JOIN links AS l ON l.id = c.link_id
        """,
    )
    assert NOON - timedelta(days=3) <= row["first"] < NOON - timedelta(days=2.9)
    assert NOON - timedelta(hours=2) < row["last"] < NOON
    assert row["links"] > 100
    assert row["agents"] > 8
    assert 0 < row["bots"] < 600
    assert 0 < row["orphans"] < 200
    assert row["wrong"] == 0


async def test_popularity_follows_zipf(database_url: str) -> None:
    """The most clicked link of two hundred has a tenth of all clicks at least."""
    await seed_links(database_url, 200)
    await seed_clicks(database_url, 3000, ends_at=NOON, days=1, chunk_rows=300)
    most = await value(database_url, "SELECT max(clicks)::int FROM click_counts_total")
    assert most >= 300


async def test_the_same_seed_makes_the_same_rows(
    database_url: str, empty_database_url: str
) -> None:
    """Two equal databases are seeded alike."""
    await migrate(Secret(empty_database_url))
    found = []
    for url in (database_url, empty_database_url):
        await seed_links(url, 150, ends_at=NOON, chunk_rows=100)
        await seed_clicks(url, 700, ends_at=NOON, days=1, chunk_rows=300)
        rows = await fetch(url, "SELECT * FROM clicks ORDER BY id")
        rows += await fetch(url, "SELECT id, short_code, long_url FROM links ORDER BY id")
        found.append([tuple(row) for row in rows])
    assert found[0] == found[1]


async def test_without_links_there_is_nothing_to_click(database_url: str) -> None:
    """Clicks on an empty table are refused with a sentence."""
    with pytest.raises(NoLinksError, match="seed some first"):
        await seed_clicks(database_url, 10)
