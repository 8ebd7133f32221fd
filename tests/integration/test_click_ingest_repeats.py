"""Clicks that come again, and what the ledger then says: each is one row."""

import uuid

import asyncpg
import pytest

from click_ingest.batch import open_batch
from click_ingest.click_writer import ClickWriter
from click_ingest.refusal import refusal_of
from shared.click_event import encode_line
from tests.support.clicks import Delivered, a_click, a_message
from tests.support.ingest import (
    a_writer,
    an_engine,
    assert_counts_are_rows,
    ledger,
    make_partitions,
    stored_clicks,
    write,
)
from tests.support.tcp_proxy import proxied


async def test_a_batch_that_comes_again_changes_nothing(
    database_url: str, writer: ClickWriter
) -> None:
    """Redelivery adds no row and no count; the ledger shows neither loss nor repeats."""
    source = uuid.uuid4()
    message = a_message([a_click() for _ in range(100)], source=source, first_sequence=50)
    assert await write(writer, message) == 100
    assert await write(writer, message) == 0
    assert await stored_clicks(database_url) == 100
    assert await ledger(database_url, source) == ("{[50,150)}", 100, 0, 0)
    await assert_counts_are_rows(database_url)


async def test_a_message_twice_in_one_batch_counts_once(
    database_url: str, writer: ClickWriter
) -> None:
    """A redelivery may meet the original in the same batch."""
    source = uuid.uuid4()
    message = a_message([a_click(), a_click()], source=source)
    assert await write(writer, message, message) == 2
    assert await ledger(database_url, source) == ("{[0,2)}", 2, 0, 0)
    await assert_counts_are_rows(database_url)


@pytest.mark.parametrize("is_one_batch", [True, False], ids=["one batch", "two batches"])
async def test_a_click_from_two_sources_is_one_row(
    database_url: str, writer: ClickWriter, is_one_batch: bool
) -> None:
    """After a failover both spools send the click: one row, and one of the two is a repeat."""
    click, first, second = a_click(), uuid.uuid4(), uuid.uuid4()
    messages = [
        a_message([a_click(), click], source=first),
        a_message([click, a_click()], source=second, first_sequence=9),
    ]
    if is_one_batch:
        assert await write(writer, *messages) == 3
    else:
        assert [await write(writer, message) for message in messages] == [2, 1]
    assert await stored_clicks(database_url) == 3
    states = [await ledger(database_url, source) for source in (first, second)]
    assert [state[0] for state in states] == ["{[0,2)}", "{[9,11)}"]
    assert sum(state[1] for state in states) == 3
    assert sorted(state[3] for state in states) == [0, 1]
    await assert_counts_are_rows(database_url)


async def test_a_hole_in_the_ledger_stays_visible(database_url: str, writer: ClickWriter) -> None:
    """What never arrived is a gap between ranges, and closes when it does arrive."""
    source = uuid.uuid4()

    def part(first: int) -> Delivered:
        return a_message([a_click() for _ in range(10)], source=source, first_sequence=first)

    await write(writer, part(0), part(20))
    assert (await ledger(database_url, source))[0] == "{[0,10),[20,30)}"
    await write(writer, part(10))
    assert await ledger(database_url, source) == ("{[0,30)}", 30, 0, 0)


async def test_poison_is_counted_once_however_often_it_comes(
    database_url: str, writer: ClickWriter
) -> None:
    """Received is stored plus set aside plus repeated, also after a redelivery in other parts."""
    source = uuid.uuid4()
    lines = [encode_line(a_click()) for _ in range(4)]
    body = lines[0] + b"poison\n" + lines[1] + b"poison\n" + lines[2]
    message = a_message(body=body, source=source)
    await write(writer, message)
    assert await ledger(database_url, source) == ("{[0,5)}", 3, 2, 0)
    later = a_message(body=b"poison\n" + lines[3], source=source, first_sequence=5)
    await write(writer, message, later)
    assert await ledger(database_url, source) == ("{[0,7)}", 4, 3, 0)
    await write(writer, message, message, later)
    assert await ledger(database_url, source) == ("{[0,7)}", 4, 3, 0)


async def test_a_replayed_letter_moves_from_set_aside_to_stored(
    database_url: str, writer: ClickWriter
) -> None:
    """Once what was wrong is mended, a replay leaves the sum as it was, also if it comes twice."""
    source = uuid.uuid4()
    click = a_click()
    batch = open_batch([a_message([click, a_click()], source=source, first_sequence=3)])
    refusal = refusal_of(asyncpg.CheckViolationError("no partition"))
    assert refusal is not None
    batch = batch.without([(click, refusal)])
    await writer.write(batch)
    assert await ledger(database_url, source) == ("{[3,5)}", 1, 1, 0)
    letter = batch.dead_letters[0]
    replay = Delivered(letter.body, {**letter.headers, "reason": letter.reason})
    for _ in range(2):
        await write(writer, replay)
        assert await ledger(database_url, source) == ("{[3,5)}", 2, 0, 0)


@pytest.mark.parametrize("is_committed", [True, False], ids=["committed", "not committed"])
async def test_a_commit_without_an_answer_is_written_again(
    database_url: str, is_committed: bool
) -> None:
    """Whether or not the commit took effect, the second write leaves each click once."""
    source = uuid.uuid4()
    batch = open_batch([a_message([a_click() for _ in range(50)], source=source)])
    async with proxied(database_url) as (proxy, url), an_engine(url) as engine:
        await make_partitions(engine)
        writer = a_writer(engine)
        proxy.shut_on(b"COMMIT", after_delivery=is_committed)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)) as caught:
            await writer.write(batch)
        assert proxy.triggered.is_set()
        assert refusal_of(caught.value) is None
        proxy.mend()
        assert await writer.write(batch) in ((0, 50) if is_committed else (50,))
    assert await stored_clicks(database_url) == 50
    state = await ledger(database_url, source)
    assert (state[0], state[1], state[3]) == ("{[0,50)}", 50, 0)
    await assert_counts_are_rows(database_url)
