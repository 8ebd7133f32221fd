"""The ledger on a real PostgreSQL: loss told from delay, and what was deleted behind its back."""

import uuid
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.batch import open_batch
from click_ingest.ledger_report import read_ledger, render
from click_ingest.ledger_watch import LedgerState, LedgerWatch
from shared.metrics import IngestMetrics
from tests.support.clicks import a_click, a_message
from tests.support.database import fetch
from tests.support.ingest import a_writer, an_engine, make_partitions

SOURCE = uuid.UUID("00000000-0000-4000-8000-000000000001")


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a database with partitions."""
    async with an_engine(database_url) as engine:
        await make_partitions(engine)
        yield engine


async def receive(engine: AsyncEngine, first: int, count: int, confirmed: int) -> None:
    """Store a message of the source that says how far the broker has confirmed."""
    message = a_message(
        [a_click() for _ in range(count)],
        source=SOURCE,
        first_sequence=first,
        confirmed=confirmed,
        appended=first + count,
    )
    await a_writer(engine).write(open_batch([message]))


async def let_time_pass(database_url: str) -> None:
    """Make everything in the ledger half a minute older."""
    await fetch(
        database_url,
        "UPDATE click_sources SET marked_at = marked_at - interval '30 seconds',"
        " last_received_at = last_received_at - interval '30 seconds'",
    )


async def look(engine: AsyncEngine) -> LedgerState:
    """Watch once."""
    return await LedgerWatch(engine, IngestMetrics(CollectorRegistry())).look()


async def test_what_has_all_arrived_is_not_missing(database_url: str, engine: AsyncEngine) -> None:
    """A source without a hole has nothing missing and nothing in flight, however old."""
    await receive(engine, 0, 5, confirmed=0)
    await receive(engine, 5, 0, confirmed=5)
    await let_time_pass(database_url)
    assert await look(engine) == LedgerState(missing=0, in_flight=0, deleted=0)


async def test_a_young_hole_is_in_flight_and_an_old_one_is_loss(
    database_url: str, engine: AsyncEngine
) -> None:
    """A message that the broker had is first late and then missing."""
    await receive(engine, 0, 5, confirmed=0)
    await receive(engine, 8, 2, confirmed=8)
    assert await look(engine) == LedgerState(missing=0, in_flight=3, deleted=0)
    await let_time_pass(database_url)
    assert await look(engine) == LedgerState(missing=3, in_flight=0, deleted=0)


async def test_a_late_message_fills_its_hole(database_url: str, engine: AsyncEngine) -> None:
    """What arrives after all is no loss any more."""
    await receive(engine, 8, 2, confirmed=8)
    await let_time_pass(database_url)
    assert (await look(engine)).missing == 8
    await receive(engine, 0, 8, confirmed=0)
    assert await look(engine) == LedgerState(missing=0, in_flight=0, deleted=0)


async def test_the_loss_of_the_last_message_shows(database_url: str, engine: AsyncEngine) -> None:
    """A mark after a lost last message uncovers it, though no click came behind it."""
    await receive(engine, 0, 5, confirmed=0)
    await receive(engine, 12, 0, confirmed=12)
    await let_time_pass(database_url)
    assert (await look(engine)).missing == 7


async def test_under_steady_traffic_a_hole_ages_too(
    database_url: str, engine: AsyncEngine
) -> None:
    """Though the newest message is always young, an older mark uncovers the hole."""
    await receive(engine, 0, 1, confirmed=0)
    await receive(engine, 2, 1, confirmed=2)
    for sequence in (3, 4, 5):
        assert (await look(engine)).missing == 0 or sequence == 5
        await let_time_pass(database_url)
        await receive(engine, sequence, 1, confirmed=sequence)
    assert (await look(engine)).missing == 1


async def test_what_the_broker_never_had_is_not_missing(
    database_url: str, engine: AsyncEngine
) -> None:
    """Clicks that still wait in the spool are in flight for as long as it takes."""
    message = a_message([a_click()], source=SOURCE, appended=1000, confirmed=0)
    await a_writer(engine).write(open_batch([message]))
    await let_time_pass(database_url)
    assert await look(engine) == LedgerState(missing=0, in_flight=999, deleted=0)


async def test_deleted_rows_are_noticed(database_url: str, engine: AsyncEngine) -> None:
    """Rows that somebody deletes are counted, from the parent or from a partition alike."""
    await receive(engine, 0, 6, confirmed=0)
    await fetch(
        database_url, "DELETE FROM clicks WHERE id IN (SELECT id FROM clicks ORDER BY id LIMIT 2)"
    )
    (partition,) = await fetch(database_url, "SELECT tableoid::regclass::text FROM clicks LIMIT 1")
    await fetch(
        database_url,
        f"DELETE FROM {partition[0]} WHERE id IN (SELECT id FROM clicks LIMIT 1)",
    )
    assert await look(engine) == LedgerState(missing=0, in_flight=0, deleted=3)


async def test_the_report_adds_up_and_names_what_is_wrong(
    database_url: str, engine: AsyncEngine
) -> None:
    """The table shows each source and the sum, and the holes of what is missing."""
    await receive(engine, 0, 5, confirmed=0)
    await receive(engine, 8, 2, confirmed=8)
    rows, deleted = await read_ledger(database_url)
    assert "nothing is missing" in render(rows, deleted)
    await let_time_pass(database_url)
    rows, deleted = await read_ledger(database_url)
    (row,) = rows
    appended, stored, repeated, dead, in_flight, missing = row[1:7]
    assert appended == stored + repeated + dead + in_flight + missing == 10
    text = render(rows, deleted)
    assert f"missing from {SOURCE}: {{[5,8)}}" in text
    assert "nothing is missing" not in text
