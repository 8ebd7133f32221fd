"""The statistics of tags by day: made anew from those of the links that have a tag now."""

import tracemalloc

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.click_writer import ClickWriter
from click_ingest.tag_statistics import MAX_MARKS, Renewed, renew_tags
from tests.support.clicks import a_click
from tests.support.clicks_of_links import dice, make_links, some_clicks, write_all
from tests.support.database import fetch
from tests.support.statistics import a_keeper, fold_all


async def test_tags_follow_their_links(
    database_url: str, engine: AsyncEngine, writer: ClickWriter
) -> None:
    """A tag's days are those of the links that have it now, through every kind of change."""
    await make_links(database_url, 6)
    clicks = some_clicks(dice(5), 400, 6)
    await write_all(writer, clicks[:200])
    changes = (
        "DELETE FROM link_tags WHERE link_id = 2",
        "INSERT INTO link_tags VALUES (2, 2), (1, 2) ON CONFLICT DO NOTHING",
        "DELETE FROM links WHERE id = 4",
        "DELETE FROM tags WHERE id = 1",
    )
    for number, change in enumerate(changes):
        if number % 2:
            await fold_all(engine)
        await fetch(database_url, change)
        await write_all(writer, clicks[200 + 50 * number : 250 + 50 * number])
    await fold_all(engine)
    await fetch(database_url, "DELETE FROM click_statistics WHERE scope = 'domain'")
    rows = await fetch(database_url, "SELECT DISTINCT scope_id FROM click_statistics"
                       " WHERE scope = 'tag'")  # fmt: skip
    assert [row["scope_id"] for row in rows] == [2]
    await assert_tags_are_rows(database_url)


async def assert_tags_are_rows(url: str) -> None:
    """Compare the sums of tags with rows."""
    differences = await fetch(
        url,
        """
        WITH counted AS (
            SELECT tag_id, (clicked_at AT TIME ZONE 'UTC')::date AS day, count(*) AS clicks
            FROM clicks JOIN link_tags USING (link_id) GROUP BY 1, 2
        ), kept AS (
            SELECT scope_id AS tag_id, day, clicks FROM click_statistics WHERE scope = 'tag'
        )
        SELECT * FROM counted FULL JOIN kept USING (tag_id, day)
        WHERE counted.clicks IS DISTINCT FROM kept.clicks
        """,
    )
    assert differences == []


async def test_a_tag_of_many_links_is_summed_up_in_parts(
    database_url: str, engine: AsyncEngine, writer: ClickWriter
) -> None:
    """Its day is made anew without having all its links' days in memory."""
    links = 6_000
    await make_links(database_url, links)
    await write_all(writer, [a_click(link_id=1)])
    await fold_all(engine)
    await fetch(
        database_url,
        "INSERT INTO click_statistics SELECT scope, id, day, clicks, bots, visitors, statistics,"
        " decode('01' || repeat('05', 2048), 'hex')"  # the sketch of some thousand visitors
        " FROM click_statistics, links WHERE scope = 'link' AND id > 1",
    )
    await fetch(
        database_url, "INSERT INTO link_tags SELECT id, 2 FROM links ON CONFLICT DO NOTHING"
    )
    await fetch(database_url, "DELETE FROM link_tag_marks WHERE link_id <> 1")
    keeper = a_keeper(engine)
    tracemalloc.start()
    try:
        await keeper.step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    (day,) = await fetch(
        database_url, "SELECT clicks FROM click_statistics WHERE scope = 'tag' AND scope_id = 2"
    )
    assert day["clicks"] == links
    assert peak < 6_000_000


async def test_days_of_a_tag_wait_until_all_marks_are_followed(
    database_url: str, engine: AsyncEngine, writer: ClickWriter
) -> None:
    """Of many links that get a tag one after another, its day is made anew once."""
    links = 3 * MAX_MARKS
    await make_links(database_url, links)
    await write_all(writer, [a_click(link_id=link) for link in range(1, links + 1)])
    await fold_all(engine)
    await fetch(database_url, "DELETE FROM link_tags")
    await fold_all(engine)
    for link in range(1, links + 1):
        await fetch(database_url, "INSERT INTO link_tags VALUES ($1, 1)", link)
    days = 0
    connection = await asyncpg.connect(database_url)
    try:
        while any(renewed := await renewed_in(connection)):
            days += renewed.days
    finally:
        await connection.close()
    assert days == 1
    await assert_tags_are_rows(database_url)


async def renewed_in(connection: "asyncpg.Connection[asyncpg.Record]") -> Renewed:
    """Follow marks and make days anew in a transaction."""
    async with connection.transaction():
        return await renew_tags(connection)
