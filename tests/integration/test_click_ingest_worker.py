"""A whole worker between a real RabbitMQ and a real PostgreSQL, and what is done to it."""

import asyncio
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from local_stack.ports import choose_ports
from shared import broker
from shared.click_event import encode_line
from shared.settings import Secret
from tests.support.clicks import Delivered, a_click, a_message
from tests.support.ingest import (
    DEADLINE_S,
    assert_counts_are_rows,
    ledger,
    publish,
    queued,
    running_worker,
    stored_clicks,
    take_all,
    until,
    until_stored,
    worker_environment,
)
from tests.support.tcp_proxy import proxied

BASIC_ACK = b"\x00\x3c\x00\x50"
"""Class and method of AMQP's basic.ack."""

LONG_MS = "60000"


def messages_of(source: uuid.UUID, count: int, clicks_each: int) -> list[Delivered]:
    """Make messages as one spool sends them, without a gap."""
    return [
        a_message(
            [a_click() for _ in range(clicks_each)],
            source=source,
            first_sequence=number * clicks_each,
        )
        for number in range(count)
    ]


@asynccontextmanager
async def a_process(
    database_url: str, amqp_url: str, **more: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a worker as a process of its own; kill it if the test did not end it."""
    environment = worker_environment(
        database_url, amqp_url, HTTP_PORT=str(choose_ports(["http"], wanted={})["http"]), **more
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "click_ingest", env=environment
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until_all_are_held(amqp_url: str) -> None:
    """Wait until the worker has taken everything out of the queue, acknowledged or not."""

    async def is_empty() -> bool:
        return await queued(amqp_url) == 0

    await until(is_empty)


async def test_published_clicks_are_stored_and_acknowledged(
    database_url: str, amqp_url: str
) -> None:
    """What a redirector published is in the database, and not in the queue any more."""
    source = uuid.uuid4()
    async with running_worker(database_url, amqp_url) as worker:
        await publish(amqp_url, messages_of(source, 4, 25))
        await until_stored(database_url, 100)
        state = await worker.readiness()
        assert (state["code"], state["status"]) == (200, "ok")
        assert set(state["checks"]) == {"broker", "database", "poison", "partitions"}
        assert await worker.count("qck_clicks_received_total") == 100
        assert await worker.count("qck_clicks_stored_total") == 100
        assert await worker.count("qck_click_partition_horizon_seconds") > 86_400
    assert await queued(amqp_url) == 0
    assert await ledger(database_url, source) == ("{[0,100)}", 100, 0, 0)
    await assert_counts_are_rows(database_url)


async def test_clicks_wait_no_longer_than_the_batch_age(database_url: str, amqp_url: str) -> None:
    """A single click does not wait for a batch to fill."""
    async with running_worker(
        database_url, amqp_url, BATCH_MAX_AGE_MS="250", BATCH_MAX_CLICKS="5000"
    ) as worker:
        await until(worker.is_consuming)
        await publish(amqp_url, messages_of(uuid.uuid4(), 1, 1))
        async with asyncio.timeout(5):
            await until_stored(database_url, 1)


async def test_small_messages_do_not_wait_for_a_full_prefetch(
    database_url: str, amqp_url: str
) -> None:
    """Half the prefetch makes a batch, however few clicks that is and however long it may wait."""
    async with running_worker(
        database_url, amqp_url, BATCH_MAX_AGE_MS=LONG_MS, INGEST_PREFETCH="10"
    ):
        await publish(amqp_url, messages_of(uuid.uuid4(), 20, 1))
        await until_stored(database_url, 20)


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


async def test_a_database_that_goes_and_comes_back(database_url: str, amqp_url: str) -> None:
    """Clicks wait for it unacknowledged, readiness says so, and all are stored once it is back."""
    source = uuid.uuid4()
    messages = messages_of(source, 6, 50)
    async with proxied(database_url) as (proxy, url), running_worker(url, amqp_url) as worker:
        await publish(amqp_url, messages[:2])
        await until_stored(database_url, 100)
        proxy.shut()
        await publish(amqp_url, messages[2:])

        async def has_failed() -> bool:
            return await worker.count("qck_click_flush_failures_total") >= 2

        await until(has_failed)
        state = await worker.readiness()
        assert state["code"] == 503
        assert state["checks"]["database"]["status"] == "down"
        assert await stored_clicks(database_url) == 100
        proxy.mend()
        await until_stored(database_url, 300)
    assert await queued(amqp_url) == 0
    assert await queued(amqp_url, broker.DEAD_QUEUE) == 0
    assert await ledger(database_url, source) == ("{[0,300)}", 300, 0, 0)
    await assert_counts_are_rows(database_url)


async def test_a_worker_starts_before_its_database(database_url: str, amqp_url: str) -> None:
    """It waits, consumes nothing meanwhile, and needs nobody to start it again."""
    await publish(amqp_url, messages_of(uuid.uuid4(), 1, 5))
    async with proxied(database_url) as (proxy, url):
        proxy.shut()
        async with running_worker(url, amqp_url) as worker:
            state = await worker.readiness()
            assert state["code"] == 503
            assert "waiting for the database" in state["checks"]["broker"]["reason"]
            assert await queued(amqp_url) == 1
            proxy.mend()
            await until_stored(database_url, 5)


async def test_a_commit_whose_answer_is_lost_counts_once(database_url: str, amqp_url: str) -> None:
    """The connection breaks after COMMIT was sent; the batch is written again, to no effect."""
    source = uuid.uuid4()
    async with proxied(database_url) as (proxy, url), running_worker(url, amqp_url) as worker:
        await until(worker.is_consuming)
        proxy.shut_on(b"COMMIT", after_delivery=True)
        await publish(amqp_url, messages_of(source, 1, 40))
        await proxy.triggered.wait()
        proxy.mend()

        async def is_done() -> bool:
            return await worker.count("qck_ingest_messages_total") == 1

        await until(is_done)
    assert await stored_clicks(database_url) == 40
    assert (await ledger(database_url, source))[0] == "{[0,40)}"
    await assert_counts_are_rows(database_url)


async def test_a_lost_acknowledgement_comes_again_and_counts_once(
    database_url: str, amqp_url: str
) -> None:
    """The broker is lost between COMMIT and ack: redelivery meets rows that are there."""
    source = uuid.uuid4()
    async with proxied(amqp_url) as (proxy, url), running_worker(database_url, url) as worker:
        await until(worker.is_consuming)
        proxy.shut_on(BASIC_ACK, after_delivery=False)
        await publish(amqp_url, messages_of(source, 3, 20))
        await proxy.triggered.wait()
        assert await stored_clicks(database_url) > 0
        proxy.mend()

        async def are_repeats() -> bool:
            stored = await worker.count("qck_clicks_stored_total")
            return stored == 60 and await worker.count("qck_clicks_repeated_total") > 0

        await until(are_repeats)
    assert await queued(amqp_url) == 0
    assert await stored_clicks(database_url) == 60
    assert await ledger(database_url, source) == ("{[0,60)}", 60, 0, 0)
    await assert_counts_are_rows(database_url)


async def test_a_broker_that_goes_and_comes_back(database_url: str, amqp_url: str) -> None:
    """Readiness turns down and up again; what was published meanwhile is stored."""
    async with proxied(amqp_url) as (proxy, url), running_worker(database_url, url) as worker:
        await until(worker.is_consuming)
        proxy.shut()

        async def is_down() -> bool:
            return bool((await worker.readiness())["code"] == 503)

        await until(is_down)
        await publish(amqp_url, messages_of(uuid.uuid4(), 2, 10))
        proxy.mend()
        await until_stored(database_url, 20)
        await until(worker.is_consuming)


async def test_a_broker_that_goes_during_the_start(database_url: str, amqp_url: str) -> None:
    """A subscription that breaks while it is being made is made again."""
    await publish(amqp_url, messages_of(uuid.uuid4(), 1, 5))
    async with proxied(amqp_url) as (proxy, url):
        proxy.shut_on(broker.INGEST_QUEUE.encode(), after_delivery=False)
        async with running_worker(database_url, url):
            await proxy.triggered.wait()
            proxy.mend()
            await until_stored(database_url, 5)


async def test_a_deleted_queue_is_made_again(database_url: str, amqp_url: str) -> None:
    """A consumer that the broker cancelled is noticed, though its channel stays open."""
    async with running_worker(database_url, amqp_url) as worker:
        await until(worker.is_consuming)
        connection = await broker.connect(Secret(amqp_url), connection_name="tests")
        async with connection, connection.channel() as channel:
            await channel.queue_delete(broker.INGEST_QUEUE)

        async def has_noticed() -> bool:
            return not await worker.is_consuming()

        await until(has_noticed)
        await publish(amqp_url, messages_of(uuid.uuid4(), 1, 3))
        await until_stored(database_url, 3)


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


async def test_several_workers_share_the_queue(database_url: str, amqp_url: str) -> None:
    """Three workers on one queue, with clicks that come twice: exact rows, counts and ledger."""
    first, second = uuid.uuid4(), uuid.uuid4()
    messages = messages_of(first, 30, 40)
    copies = [
        Delivered(message.body, {**message.headers, "source": str(second)})
        for message in messages[::3]
    ]
    renumbered = [
        Delivered(copy.body, {**copy.headers, "first_sequence": number * 40})
        for number, copy in enumerate(copies)
    ]
    async with (
        running_worker(database_url, amqp_url, INGEST_PREFETCH="4"),
        running_worker(database_url, amqp_url, INGEST_PREFETCH="4"),
        running_worker(database_url, amqp_url, INGEST_PREFETCH="4"),
    ):
        await publish(amqp_url, [*messages, *renumbered])
        await until_stored(database_url, 1200)
        await until_all_are_held(amqp_url)
    assert await queued(amqp_url) == 0
    states = [await ledger(database_url, source) for source in (first, second)]
    assert [state[0] for state in states] == ["{[0,1200)}", "{[0,400)}"]
    assert sum(state[1] for state in states) == 1200
    assert sum(state[3] for state in states) == 400
    await assert_counts_are_rows(database_url)


async def test_a_killed_worker_loses_and_doubles_nothing(database_url: str, amqp_url: str) -> None:
    """Killed while it holds a batch, it leaves everything in the queue for the next one."""
    source = uuid.uuid4()
    messages = messages_of(source, 10, 30)
    async with a_process(database_url, amqp_url, BATCH_MAX_AGE_MS=LONG_MS) as process:
        await publish(amqp_url, messages)
        await until_all_are_held(amqp_url)
        process.kill()
        await process.wait()
    assert await stored_clicks(database_url) == 0

    async def are_back() -> bool:
        return await queued(amqp_url) == 10

    await until(are_back)
    async with running_worker(database_url, amqp_url):
        await until_stored(database_url, 300)
    assert await ledger(database_url, source) == ("{[0,300)}", 300, 0, 0)


async def test_sigterm_writes_what_is_held(database_url: str, amqp_url: str) -> None:
    """A worker that is told to stop takes nothing new, stores what it has, and acknowledges it."""
    async with a_process(database_url, amqp_url, BATCH_MAX_AGE_MS=LONG_MS) as process:
        await publish(amqp_url, messages_of(uuid.uuid4(), 10, 30))
        await until_all_are_held(amqp_url)
        assert await stored_clicks(database_url) == 0
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE_S):
            status = await process.wait()
    assert status == -signal.SIGTERM  # uvicorn ends by the signal it was sent
    assert await stored_clicks(database_url) == 300
    assert await queued(amqp_url) == 0
