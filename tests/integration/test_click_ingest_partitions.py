"""Partitions in a real PostgreSQL."""

import asyncio
import math
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.partitions import Partitions, ShortHorizonError
from shared.click_id import click_id
from tests.support.clock import FakeClock
from tests.support.database import fetch
from tests.support.ingest import an_engine
from tests.support.ingest_fakes import FakeSleep

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)

INSERT = """
INSERT INTO clicks (id, clicked_at, type, is_bot, domain, short_code, visited_url, referer,
    user_agent, accept_language, request_id)
VALUES ($1, $2, 'link', false, '', '', '', '', '', '', '')
"""


class Keeping:
    """Partitions of an engine, at a time that the test chooses."""

    def __init__(
        self, engine: AsyncEngine, *, ahead: int = 3, behind: int = 2, retention: int = 0
    ) -> None:
        self.clock = FakeClock(NOON.timestamp())
        self.gauge = Gauge("horizon", "Test", registry=None)
        self.sleep = FakeSleep(self.clock)
        self.partitions = Partitions(
            engine,
            days_ahead=ahead,
            days_behind=behind,
            retention_days=retention,
            gauge=self.gauge,
            clock=self.now,
            sleep=self.sleep,
        )

    def now(self) -> datetime:
        """Return the chosen time."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def horizon_s(self) -> float:
        """Read the gauge."""
        return float(next(iter(self.gauge.collect())).samples[0].value)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a migrated database without partitions."""
    async with an_engine(database_url) as engine:
        yield engine


async def names(database_url: str) -> list[str]:
    """Return the tables attached to clicks."""
    rows = await fetch(
        database_url,
        "SELECT inhrelid::regclass::text FROM pg_inherits"
        " WHERE inhparent = 'clicks'::regclass ORDER BY 1",
    )
    return [row[0] for row in rows]


async def insert(database_url: str, moment: datetime) -> None:
    """Insert a click of this moment."""
    made = uuid.UUID(click_id(round(moment.timestamp() * 1000), 5))
    await fetch(database_url, INSERT, made, moment)


async def test_days_around_today_are_made_once(database_url: str, engine: AsyncEngine) -> None:
    """From some days ago to some days ahead each has a partition, however often one asks."""
    keeping = Keeping(engine)
    await keeping.partitions.ensure()
    first = await names(database_url)
    assert first == [f"clicks_202603{day:02}" for day in range(8, 14)]
    assert keeping.horizon_s() == timedelta(days=3, hours=12).total_seconds()
    await keeping.partitions.ensure()
    assert await names(database_url) == first


async def test_clicks_find_their_day(database_url: str, engine: AsyncEngine) -> None:
    """First and last moment of the range are stored in their own day, the next one in none."""
    await Keeping(engine).partitions.ensure()
    first = datetime(2026, 3, 8, tzinfo=UTC)
    last = datetime(2026, 3, 13, 23, 59, 59, 999000, UTC)
    for moment in (first, last):
        await insert(database_url, moment)
    rows = await fetch(database_url, "SELECT tableoid::regclass::text FROM clicks ORDER BY id")
    assert [row[0] for row in rows] == ["clicks_20260308", "clicks_20260313"]
    for moment in (first - timedelta(milliseconds=1), last + timedelta(milliseconds=1)):
        with pytest.raises(asyncpg.CheckViolationError):
            await insert(database_url, moment)


async def test_a_partition_has_the_indexes_and_no_check_of_its_own(
    database_url: str, engine: AsyncEngine
) -> None:
    """Attached by way of a check, it is in the end like one that was made in place."""
    await Keeping(engine).partitions.ensure()
    constraints = await fetch(
        database_url,
        "SELECT contype::text FROM pg_constraint WHERE conrelid = 'clicks_20260310'::regclass",
    )
    assert [row[0] for row in constraints] == ["p"]
    indexes = await fetch(
        database_url,
        "SELECT count(*) FROM pg_index WHERE indrelid = 'clicks_20260310'::regclass",
    )
    assert indexes[0][0] == 2
    await fetch(
        database_url,
        "CREATE TABLE clicks_like PARTITION OF clicks FOR VALUES"
        " FROM ('00000000-0000-0000-0000-000000000000')"
        " TO ('00000000-0000-0000-0000-000000000001')",
    )
    columns = """
        SELECT attname, attnotnull, atttypid, attcollation, attstorage FROM pg_attribute
        WHERE attrelid = $1::text::regclass AND attnum > 0 ORDER BY attnum
    """
    assert await fetch(database_url, columns, "clicks_20260310") == await fetch(
        database_url, columns, "clicks_like"
    )


async def test_making_partitions_does_not_wait_for_writers(
    database_url: str, engine: AsyncEngine
) -> None:
    """While a transaction has inserted clicks and stays open, more days can be made."""
    keeping = Keeping(engine)
    await keeping.partitions.ensure()
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute(
                INSERT, uuid.UUID(click_id(round(NOON.timestamp() * 1000), 6)), NOON
            )
            keeping.clock.advance(86400)
            await keeping.partitions.ensure()
    finally:
        await connection.close()
    assert "clicks_20260314" in await names(database_url)


async def test_workers_that_start_together_do_not_collide(database_url: str) -> None:
    """Each finds everything made, and none fails."""
    async with an_engine(database_url, 4) as engine, asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(Keeping(engine).partitions.ensure())
    assert len(await names(database_url)) == 6


async def test_old_days_go_whole_and_counts_stay(database_url: str, engine: AsyncEngine) -> None:
    """With a retention, days that ended longer ago are dropped with their clicks."""
    await Keeping(engine, behind=8).partitions.ensure()
    for day in (2, 6, 7, 10):
        await insert(database_url, datetime(2026, 3, day, 12, tzinfo=UTC))
    await fetch(database_url, "INSERT INTO click_counts_total VALUES (1, 'link', false, 4)")
    keeping = Keeping(engine, behind=8, retention=3)
    await keeping.partitions.ensure()
    assert await names(database_url) == [f"clicks_202603{day:02}" for day in range(7, 14)]
    (left,) = await fetch(database_url, "SELECT count(*) FROM clicks")
    assert left[0] == 2
    (total,) = await fetch(database_url, "SELECT clicks FROM click_counts_total")
    assert total[0] == 4
    await keeping.partitions.ensure()
    assert "clicks_20260306" not in await names(database_url)


async def test_without_a_retention_nothing_is_dropped(
    database_url: str, engine: AsyncEngine
) -> None:
    """Years later the first day is still there."""
    await Keeping(engine).partitions.ensure()
    keeping = Keeping(engine)
    keeping.clock.advance(3 * 365 * 86400)
    await keeping.partitions.ensure()
    assert "clicks_20260308" in await names(database_url)


async def test_a_clock_that_jumps_ahead_drops_nothing(
    database_url: str, engine: AsyncEngine
) -> None:
    """While the server does not know of that day, clicks within the retention stay."""
    keeping = Keeping(engine, retention=3)
    keeping.clock.now_s = datetime.now(UTC).timestamp()
    await keeping.partitions.ensure()
    made = {*await names(database_url)}
    keeping.clock.advance(365 * 86400)
    await keeping.partitions.ensure()
    assert made < {*await names(database_url)}


async def test_dropping_gives_up_on_a_table_in_use(database_url: str, engine: AsyncEngine) -> None:
    """A backup keeps old days until the next round, and nobody waiting to store clicks."""
    await Keeping(engine, behind=8).partitions.ensure()
    keeping = Keeping(engine, retention=3)
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.fetch("SELECT count(*) FROM clicks_20260302")
            keeping.clock.advance(86400)
            await keeping.partitions.ensure_until_done()
            assert keeping.sleep.slept_s == []
            assert {"clicks_20260302", "clicks_20260314"} <= {*await names(database_url)}
    finally:
        await connection.close()
    await keeping.partitions.ensure()
    assert "clicks_20260302" not in await names(database_url)


async def test_what_fails_is_tried_again_until_it_is_done(
    database_url: str, engine: AsyncEngine
) -> None:
    """A table in the way is reported and waited for; then the days are made."""
    await fetch(database_url, "CREATE TABLE clicks_20260311 ()")
    keeping = Keeping(engine)

    async def clear_the_way(seconds: float) -> None:
        keeping.sleep.slept_s.append(seconds)
        await fetch(database_url, "DROP TABLE clicks_20260311")

    partitions = Partitions(
        engine,
        days_ahead=3,
        days_behind=2,
        retention_days=0,
        gauge=keeping.gauge,
        clock=keeping.now,
        sleep=clear_the_way,
    )
    await partitions.ensure_until_done()
    assert keeping.sleep.slept_s == [1.0]
    assert len(await names(database_url)) == 6


async def test_the_health_check_sees_the_end_coming(engine: AsyncEngine) -> None:
    """While days are ahead it says how many; on the last one it complains."""
    keeping = Keeping(engine)
    assert math.isnan(keeping.horizon_s())  # not known yet, which must alarm nobody
    await keeping.partitions.ensure()
    assert await keeping.partitions.probe() == {"days_ahead": 3.5}
    keeping.clock.advance(3 * 86400)
    with pytest.raises(ShortHorizonError):
        await keeping.partitions.probe()
    assert keeping.horizon_s() == 12 * 3600
