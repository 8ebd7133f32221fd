"""Clicks that a worker cannot store, between a real RabbitMQ and a real PostgreSQL."""

import uuid
from datetime import UTC, datetime

from shared import broker
from shared.click_event import encode_line
from tests.support.clicks import Delivered, a_click, a_message, messages_of
from tests.support.ingest import (
    assert_counts_are_rows,
    ledger,
    publish,
    queued,
    running_worker,
    stored_clicks,
    take_all,
    until,
    until_stored,
)


async def test_one_refused_click_in_5000(database_url: str, amqp_url: str) -> None:
    """4,999 are stored, one is set aside with the reason, and the ledger knows both."""
    source = uuid.uuid4()
    messages = messages_of(source, 10, 500)
    bad = encode_line(a_click(user_agent="NUL\x00"))
    lines = messages[7].body.splitlines(keepends=True)
    lines[123] = bad
    messages[7] = Delivered(b"".join(lines), messages[7].headers)
    await publish(amqp_url, messages)
    async with running_worker(database_url, amqp_url) as worker:
        await until_stored(database_url, 4999)
        await until_dead_letters(amqp_url, 1)
        assert await worker.count("qck_clicks_dead_lettered_total", reason="refused") == 1
    (letter,) = await take_all(amqp_url)
    assert letter.body == bad
    assert str(letter.headers["reason"]).startswith("refused: 22021")
    assert letter.headers["source"] == str(source)
    assert letter.headers["first_sequence"] == 7 * 500 + 123
    assert await ledger(database_url, source) == ("{[0,5000)}", 4999, 1, 0)
    await assert_counts_are_rows(database_url)


async def until_dead_letters(amqp_url: str, count: int) -> None:
    """Wait for so many dead letters."""

    async def are_there() -> bool:
        return await queued(amqp_url, broker.DEAD_QUEUE) == count

    await until(are_there)


async def test_every_kind_of_poison_goes_aside_alone(database_url: str, amqp_url: str) -> None:
    """Bad lines, unknown versions, wrong headers and clicks of no day: the rest is stored."""
    good = [a_click() for _ in range(3)]
    of_no_day = a_click(clicked_at=datetime(2001, 2, 3, tzinfo=UTC))
    from_the_future = a_message([a_click(), a_click()], schema_version=2)
    without_source = a_message([a_click()], source=None)
    source = uuid.uuid4()
    mixed = encode_line(good[0]) + b"{broken\n" + encode_line(of_no_day) + encode_line(good[1])
    async with running_worker(database_url, amqp_url):
        await publish(
            amqp_url,
            [
                from_the_future,
                a_message(body=mixed, source=source),
                without_source,
                a_message([good[2]], source=source, first_sequence=4),
            ],
        )
        await until_stored(database_url, 3)
        await until_dead_letters(amqp_url, 4)
    assert await queued(amqp_url) == 0
    letters = {
        str(letter.headers["reason"]).partition(":")[0]: letter.body
        for letter in await take_all(amqp_url)
    }
    assert letters == {
        "undecodable": b"{broken\n",
        "no_partition": encode_line(of_no_day),
        "unknown_schema_version": from_the_future.body,
        "wrong_headers": without_source.body,
    }
    assert await ledger(database_url, source) == ("{[0,5)}", 3, 2, 0)


async def test_a_letter_can_be_replayed_as_it_is(database_url: str, amqp_url: str) -> None:
    """Once its day has a partition a letter, published again with its headers, is stored."""
    source = uuid.uuid4()
    click = a_click(clicked_at=datetime(2001, 2, 3, tzinfo=UTC))
    async with running_worker(database_url, amqp_url):
        await publish(amqp_url, [a_message([click], source=source, first_sequence=8)])
        await until_dead_letters(amqp_url, 1)
        assert await ledger(database_url, source) == ("{[8,9)}", 0, 1, 0)
        (letter,) = await take_all(amqp_url)
        # As if the day had its partition: the same place in the ledger, a moment of today.
        mended = encode_line(a_click())
        await publish(amqp_url, [Delivered(mended, dict(letter.headers))])
        await until_stored(database_url, 1)
    assert await ledger(database_url, source) == ("{[8,9)}", 1, 0, 0)


async def test_too_much_poison_stops_the_worker_and_keeps_the_messages(
    database_url: str, amqp_url: str
) -> None:
    """Nothing goes aside, readiness says why, and a restart with the fault mended goes on."""
    poison = a_message(body=b"poison\n" * 150)
    await publish(amqp_url, [poison, *messages_of(uuid.uuid4(), 1, 10)])
    async with running_worker(database_url, amqp_url) as worker:

        async def has_stopped() -> bool:
            return bool((await worker.readiness())["checks"]["poison"]["status"] == "down")

        await until(has_stopped)
        state = await worker.readiness()
        assert state["code"] == 503
        assert "150 of the last" in state["checks"]["poison"]["reason"]

        async def is_back() -> bool:
            return await queued(amqp_url) == 2

        await until(is_back)
        assert await queued(amqp_url, broker.DEAD_QUEUE) == 0
        assert await stored_clicks(database_url) == 0
    async with running_worker(database_url, amqp_url, INGEST_POISON_SHARE_LIMIT="1"):
        await until_stored(database_url, 10)
        await until_dead_letters(amqp_url, 150)
