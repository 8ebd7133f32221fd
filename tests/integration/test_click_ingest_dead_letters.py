"""Dead letters in a real RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aio_pika
import pytest
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError

from click_ingest.dead_letter_queue import list_letters, replay_letters
from click_ingest.dead_letters import DeadLetter, DeadLetters
from click_ingest.ledger_report import read_ledger
from click_ingest.message import open_message
from shared import broker
from shared.settings import Secret
from tests.support.clicks import a_click, a_message
from tests.support.ingest import (
    an_engine,
    bodies,
    make_partitions,
    publish,
    queued,
    running_worker,
    stored_clicks,
    take_all,
    until,
    until_stored,
)
from tests.support.tcp_proxy import proxied


@asynccontextmanager
async def publishing(url: str) -> AsyncIterator[DeadLetters]:
    """Open a publisher of dead letters."""
    letters = DeadLetters(
        connect=lambda: broker.connect(Secret(url), connection_name="tests dead letters")
    )
    try:
        yield letters
    finally:
        await letters.close()


def a_letter(body: bytes = b"poison\n") -> DeadLetter:
    """Make the letter of one undecodable line."""
    return open_message(a_message(body=body, first_sequence=41)).dead_letters[0]


async def test_two_letters_at_once_share_one_connection(amqp_url: str) -> None:
    """Of two flushes that meet their first poison together, none opens a connection in vain."""
    opened = []

    async def connect() -> AbstractConnection:
        opened.append(await broker.connect(Secret(amqp_url), connection_name="tests letters"))
        return opened[-1]

    letters = DeadLetters(connect=connect)
    async with asyncio.TaskGroup() as flushes:
        for _ in range(2):
            flushes.create_task(letters.publish(a_letter()))
    await letters.close()
    assert len(opened) == 1
    assert len(await take_all(amqp_url)) == 2


async def test_a_letter_has_its_line_and_its_reason(amqp_url: str) -> None:
    """What arrives is persistent, placed by its headers, and says what was wrong."""
    letter = a_letter()
    async with publishing(amqp_url) as letters:
        await letters.publish(letter)
        (message,) = await take_all(amqp_url)
    assert message.body == b"poison\n"
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert message.headers.items() >= {**letter.headers, "reason": letter.reason}.items()
    assert str(message.headers["reason"]).startswith("undecodable: ")
    assert message.headers["first_sequence"] == 41


async def test_odd_headers_of_a_message_are_kept(amqp_url: str) -> None:
    """What was wrong with the headers can still be seen."""
    message = a_message([a_click()], source="nobody", extra={"deep": [1, 2]}, count=-3)
    async with publishing(amqp_url) as letters:
        await letters.publish(open_message(message).dead_letters[0])
    (found,) = await take_all(amqp_url)
    assert {name: found.headers[name] for name in ("source", "extra", "count")} == {
        "source": "nobody",
        "extra": {"deep": [1, 2]},
        "count": -3,
    }


async def test_a_letter_is_in_the_queue_when_publish_returns(amqp_url: str) -> None:
    """Publishing waits for the broker's confirm."""
    async with publishing(amqp_url) as letters:
        for number in range(1, 4):
            await letters.publish(a_letter())
            assert await queued(amqp_url, broker.DEAD_QUEUE) == number


async def test_a_letter_that_no_queue_takes_is_an_error(amqp_url: str) -> None:
    """With the queue gone a confirm alone would say that all is well; the next one makes it."""
    async with publishing(amqp_url) as letters:
        await letters.publish(a_letter(b"one\n"))
        connection = await broker.connect(Secret(amqp_url), connection_name="tests")
        async with connection, connection.channel() as channel:
            await channel.queue_delete(broker.DEAD_QUEUE)
        with pytest.raises(AMQPError):
            await letters.publish(a_letter(b"two\n"))
        await letters.publish(a_letter(b"two\n"))
    assert bodies(await take_all(amqp_url)) == [b"two\n"]


async def test_an_unanswered_letter_is_an_error(amqp_url: str) -> None:
    """A connection lost before the confirm leaves the letter's fate open: it goes again."""
    async with proxied(amqp_url) as (proxy, url), publishing(url) as letters:
        await letters.publish(a_letter(b"one\n"))
        proxy.shut_on(b"two\n", after_delivery=True)
        with pytest.raises((AMQPError, OSError)):
            await letters.publish(a_letter(b"two\n"))
        proxy.mend()
        await letters.publish(a_letter(b"two\n"))
        await letters.publish(a_letter(b"three\n"))
    found = bodies(await take_all(amqp_url))
    assert set(found) == {b"one\n", b"two\n", b"three\n"}
    assert found.count(b"two\n") in (1, 2)


async def test_publish_does_not_return_before_the_broker_answers(amqp_url: str) -> None:
    """While the broker says nothing the letter counts as not published."""
    async with proxied(amqp_url) as (proxy, url), publishing(url) as letters:
        await letters.publish(a_letter())
        proxy.freeze()
        unconfirmed = asyncio.create_task(letters.publish(a_letter()))
        done, _ = await asyncio.wait({unconfirmed}, timeout=0.3)
        assert not done
        proxy.mend()
        await unconfirmed
    assert len(await take_all(amqp_url)) == 2


async def test_letters_are_listed_and_stay(database_url: str, amqp_url: str) -> None:
    """Listing shows each letter with its reason and leaves it where it is."""
    async with running_worker(database_url, amqp_url):
        await publish(amqp_url, [a_message(body=b"{broken\n")])

        async def is_aside() -> bool:
            return await queued(amqp_url, broker.DEAD_QUEUE) == 1

        await until(is_aside)
    shown: list[str] = []
    assert await list_letters(Secret(amqp_url), shown.append) == 1
    assert await list_letters(Secret(amqp_url), shown.append) == 1
    assert shown[0] == shown[1]
    assert shown[0].startswith("undecodable: ")
    assert shown[0].endswith("{broken")


async def test_replayed_letters_are_stored_once(database_url: str, amqp_url: str) -> None:
    """Letters whose fault is mended are stored by a replay, others come back; none is doubled."""
    yesterday = datetime.now(UTC) - timedelta(days=4)
    click = a_click(clicked_at=yesterday)
    async with running_worker(database_url, amqp_url):
        await publish(amqp_url, [a_message([click]), a_message(body=b"{broken\n")])

        async def are_aside() -> bool:
            return await queued(amqp_url, broker.DEAD_QUEUE) == 2

        await until(are_aside)
        async with an_engine(database_url) as engine:
            await make_partitions(engine, days=6)
        assert await replay_letters(Secret(amqp_url), lambda _: None) == 2
        await until_stored(database_url, 1)

        async def has_come_back() -> bool:
            return await queued(amqp_url, broker.DEAD_QUEUE) == 1

        await until(has_come_back)
    assert await stored_clicks(database_url) == 1
    rows, _ = await read_ledger(database_url)
    assert sorted((row[2], row[4]) for row in rows) == [(0, 1), (1, 0)]


async def test_a_replay_that_breaks_off_loses_no_letter(amqp_url: str) -> None:
    """A letter leaves the queue when the broker has it in the other one, not before."""
    async with publishing(amqp_url) as letters:
        await letters.publish(a_letter(b"one\n"))
    async with proxied(amqp_url) as (proxy, url):
        proxy.shut_on(b"one\n", after_delivery=False)
        with pytest.raises((AMQPError, OSError, TimeoutError)):
            await replay_letters(Secret(url), lambda _: None)

    async def is_there() -> bool:
        return await queued(amqp_url, broker.DEAD_QUEUE) == 1

    await until(is_there)
