"""The statistics by day in a real PostgreSQL: every click once, whatever happens on the way."""

import asyncio
import uuid
from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.batch import open_batch
from click_ingest.click_writer import ClickWriter
from click_ingest.statistics_keeper import IDLE_S, RETRY_S
from shared.day_statistics import decode_day
from shared.db.errors import DATABASE_ERRORS
from tests.support.clicks import a_click, a_message
from tests.support.clicks_of_links import dice, make_links, some_clicks, write_all
from tests.support.database import FAREWELL, fetch
from tests.support.ingest import a_writer, an_engine, make_partitions, write
from tests.support.statistics import a_keeper, assert_statistics_are_rows, fold_all
from tests.support.tcp_proxy import proxied


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
