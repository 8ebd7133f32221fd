"""The statistics by day in a real PostgreSQL: every click once, whatever happens on the way."""

import asyncio
import tracemalloc
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.batch import open_batch
from click_ingest.click_writer import ClickWriter
from click_ingest.statistics_keeper import IDLE_S, RETRY_S
from click_ingest.tag_statistics import MAX_MARKS, Renewed, renew_tags
from shared.click_event import ClickEvent
from shared.day_statistics import decode_day
from shared.db.errors import DATABASE_ERRORS
from tests.support.clicks import CHROME, a_click, a_message
from tests.support.database import FAREWELL, fetch
from tests.support.ingest import a_writer, an_engine, make_partitions, write
from tests.support.statistics import a_keeper, assert_statistics_are_rows, fold_all
from tests.support.tcp_proxy import proxied

AGENTS = (CHROME, "curl/8.5.0", "", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0")
REFERERS = ("", "https://t.co/x", "https://News.example.org:8443/a?b", "android-app://com.app/")


def dice(seed: int) -> Random:
    """Make a choice that can be repeated."""
    return Random(seed)  # noqa: S311


async def make_links(url: str, count: int) -> None:
    """Make links 1 to `count`, every second one on a domain of its own, with tags."""
    await fetch(url, "INSERT INTO domains (authority) VALUES ('own.test')")
    await fetch(url, "INSERT INTO tags (name) VALUES ('a'), ('b')")
    await fetch(
        url,
        "INSERT INTO links (domain, short_code, long_url, long_url_hash)"
        " SELECT CASE WHEN n % 2 = 0 THEN 'own.test' ELSE '' END, 'c' || n, '', ''"
        " FROM generate_series(1, $1::int) AS n",
        count,
    )
    await fetch(
        url,
        "INSERT INTO link_tags SELECT l.id, t.id FROM links AS l, tags AS t"
        " WHERE l.id % 3 = t.id % 3",
    )


def some_clicks(random: Random, count: int, links: int) -> list[ClickEvent]:
    """Draw clicks of yesterday and today, some of them orphans."""
    now = datetime.now(UTC)
    clicks = []
    for _ in range(count):
        link = random.randrange(links + 1)
        values: dict[str, Any] = (
            {"link_id": link} if link else {"link_id": None, "type": "invalid_short_url"}
        )
        clicks.append(
            a_click(
                **values,
                clicked_at=now - timedelta(seconds=random.randrange(86_400)),
                user_agent=random.choice(AGENTS),
                referer=random.choice(REFERERS),
                country=random.choice((None, "NL", "BR")),
                visitor=random.choice((None, "short", f"{random.randrange(1, 9)}{'0' * 31}")),
            )
        )
    return clicks


async def write_all(writer: ClickWriter, clicks: Sequence[ClickEvent], size: int = 100) -> None:
    """Write clicks in batches."""
    for first in range(0, len(clicks), size):
        await write(writer, a_message(clicks[first : first + size]))


async def test_every_scope_counts_what_is_stored(
    database_url: str, engine: AsyncEngine, writer: ClickWriter
) -> None:
    """Days of links, tags, domains, all links and orphans are those of the rows, by value."""
    await make_links(database_url, 9)
    await write_all(writer, some_clicks(dice(1), 700, 10))  # link 10 was deleted long ago
    await fold_all(engine)
    await assert_statistics_are_rows(database_url)
    assert await fetch(database_url, "SELECT FROM click_deltas") == []


async def test_repeats_and_refused_batches_count_once(
    database_url: str, engine: AsyncEngine, writer: ClickWriter
) -> None:
    """A batch that comes again, in parts or while others are folded, changes nothing."""
    clicks = some_clicks(dice(2), 300, 5)
    await write_all(writer, clicks[:200])
    await fold_all(engine)
    poison = a_click(clicked_at=datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(asyncpg.PostgresError):
        await write(writer, a_message([*clicks[200:], poison]))
    assert await writer.refusal([poison]) is not None
    assert await writer.refusal(clicks[200:]) is None
    await write_all(writer, clicks, size=70)
    await write_all(writer, clicks, size=300)
    await fold_all(engine)
    await assert_statistics_are_rows(database_url)


@pytest.mark.parametrize("is_committed", [True, False], ids=["committed", "not committed"])
async def test_a_fold_that_is_cut_off_counts_once(database_url: str, is_committed: bool) -> None:
    """Whether or not the commit of a step took effect, the next ones leave each click once."""
    async with proxied(database_url) as (proxy, url), an_engine(url) as engine:
        await make_partitions(engine)
        await write_all(a_writer(engine), some_clicks(dice(3), 300, 5))
        keeper = a_keeper(engine)
        proxy.shut_on(b"COMMIT", after_delivery=is_committed)
        with pytest.raises(DATABASE_ERRORS):
            await keeper.step()
        assert proxy.triggered.is_set()
        proxy.mend()
        await fold_all(engine)
    await assert_statistics_are_rows(database_url)


async def test_a_farewell_between_two_steps_is_only_a_pause(database_url: str) -> None:
    """A worker whose connection PostgreSQL took leave of goes on with another one."""
    async with proxied(database_url) as (proxy, url), an_engine(url) as engine:
        await make_partitions(engine)
        await write_all(a_writer(engine), some_clicks(dice(5), 300, 5))
        pauses: list[float] = []

        async def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 1:
                await proxy.tell(FAREWELL)
            if seconds == IDLE_S:
                raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await a_keeper(engine, sleep=pause).keep()
        assert pauses.count(RETRY_S) == 1
    await assert_statistics_are_rows(database_url)


async def test_workers_take_turns(
    database_url: str, engine: AsyncEngine, writer: ClickWriter
) -> None:
    """Several that fold and store at once, some of them cancelled, count each click once."""
    await make_links(database_url, 5)
    random = dice(4)
    keepers = [a_keeper(engine) for _ in range(3)]

    async def fold() -> None:
        for keeper in keepers * 8:
            async with asyncio.timeout(random.choice((0.002, 0.01, 5))):
                await keeper.step()

    async def fold_with_interruptions() -> None:
        for _ in range(4):
            try:
                await fold()
            except TimeoutError:
                continue

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(write_all(writer, some_clicks(random, 1500, 5), size=50))
        tasks.create_task(fold_with_interruptions())
        tasks.create_task(fold_with_interruptions())
    await fold_all(engine)
    await assert_statistics_are_rows(database_url)


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


async def test_rare_values_share_one_count(
    database_url: str, engine: AsyncEngine, writer: ClickWriter
) -> None:
    """Of too many referers the rarest are counted together, and the metric tells how many."""
    hosts = [f"https://h{number}.test/" for number in range(150)]
    clicks = [a_click(referer=host) for host in [*hosts, *hosts[:50]]]
    await write_all(writer, clicks, size=200)
    keeper = a_keeper(engine)
    while await keeper.step():
        pass
    (row,) = await fetch(database_url, "SELECT * FROM click_statistics WHERE scope = 'link'")
    referers = decode_day(row["statistics"]).dimensions[0]
    assert len(referers.counts) == 50
    assert {counts.clicks for counts in referers.counts.values()} == {2}
    assert referers.other.clicks == 100
    assert row["clicks"] == 200


async def test_folding_touches_nothing_else(
    database_url: str, engine: AsyncEngine, writer: ClickWriter
) -> None:
    """Folding changes neither rows nor counts nor ledger."""
    source = uuid.uuid4()
    await writer.write(open_batch([a_message([a_click() for _ in range(10)], source=source)]))
    query = (
        "SELECT (SELECT count(*) FROM clicks), (SELECT sum(clicks) FROM click_counts_hourly),"
        " (SELECT sum(clicks) FROM click_counts_total), (SELECT sum(stored) FROM click_sources)"
    )
    before = await fetch(database_url, query)
    await fold_all(engine)
    assert await fetch(database_url, query) == before
