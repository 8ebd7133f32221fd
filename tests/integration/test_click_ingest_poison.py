"""Clicks that a worker cannot store, between a real RabbitMQ and a real PostgreSQL."""

import uuid
from datetime import UTC, datetime

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from click_ingest.click_writer import ClickWriter
from click_ingest.dead_letters import DeadLetter
from click_ingest.flush import Flusher
from click_ingest.poison_guard import PoisonGuard
from shared import broker
from shared.click_event import encode_line
from shared.metrics import IngestMetrics
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
from tests.support.ingest_fakes import FakePublisher


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


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("id", "no id"),
        ("id", "{019a0000-0000-7000-8000-000000000000}"),
        ("clicked_at", "0001-01-01T00:00:00+14:00"),
        ("clicked_at", "9999-12-31T23:59:59-14:00"),
        ("domain", "NUL\0"),
        ("short_code", "NUL\0"),
        ("link_id", -1),
        ("link_id", 2**63),
        ("visited_url", "NUL\0"),
        ("redirect_url", "NUL\0"),
        ("referer", "NUL\0"),
        ("accept_language", "NUL\0"),
        ("ip", "nowhere"),
        ("ip", "192.0.2.1\0"),
        ("visitor", "NUL\0"),
        ("request_id", "NUL\0"),
        ("country", "NUL\0"),
    ],
)
async def test_no_member_of_a_click_holds_up_its_neighbours(
    writer: ClickWriter, member: str, value: object
) -> None:
    """Whatever somebody writes into it, at the first try that click goes aside alone."""
    bad = a_line(member, value)
    assert [letter.body for letter in await flushed_among_others(writer, bad)] == [bad]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("visitor", "-111111111111111"),
        ("visitor", "x" * 100_000),
        ("visitor", ""),
        ("link_id", 2**63 - 1),
        ("referer", "https://[::1" + "/" * 100_000),
        ("referer", "https://" + "e" * 100_000),
        ("user_agent", "A" * 100_000),
        ("country", "x" * 100_000),
        ("ip", "::"),
        ("clicked_at", "1971-01-01T00:00:00+14:00"),
        ("clicked_at", "9998-12-31T23:59:59-14:00"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_strange_click_that_can_be_stored_is(
    writer: ClickWriter, member: str, value: object
) -> None:
    """What the database and its counts can hold is no poison, whoever wrote it."""
    assert await flushed_among_others(writer, a_line(member, value)) == []


def a_line(member: str, value: object) -> bytes:
    """Write a click of which one member is somebody else's idea."""
    members = msgspec.json.decode(encode_line(a_click()))
    return msgspec.json.encode({**members, member: value}) + b"\n"


async def flushed_among_others(writer: ClickWriter, line: bytes) -> list[DeadLetter]:
    """Flush a line between two usual clicks; as `flushed`."""
    body = encode_line(a_click()) + line + encode_line(a_click())
    return await flushed(writer, a_message(body=body))


async def flushed(writer: ClickWriter, message: Delivered) -> list[DeadLetter]:
    """Flush one message, which must do without a second try; return what went aside."""

    async def no_second_try(_: float) -> None:
        raise AssertionError

    publisher, metrics = FakePublisher(), IngestMetrics(CollectorRegistry())
    flusher = Flusher(
        writer=writer, dead_letters=publisher, metrics=metrics, sleep=no_second_try,
        guard=PoisonGuard(share_limit=1, window_clicks=1),
    )  # fmt: skip
    await flusher.flush([message])
    assert metrics.stored._value.get() == 3 - len(publisher.published)
    return publisher.published


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
