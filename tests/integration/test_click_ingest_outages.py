"""A worker whose database or broker goes away: nothing is lost, nothing counted twice."""

import uuid

from shared import broker
from shared.settings import Secret
from tests.support.clicks import messages_of
from tests.support.database import fetch, taking_no_writes
from tests.support.ingest import (
    assert_counts_are_rows,
    ledger,
    publish,
    queued,
    running_worker,
    stored_clicks,
    until,
    until_stored,
)
from tests.support.tcp_proxy import proxied

BASIC_ACK = b"\x00\x3c\x00\x50"
"""Class and method of AMQP's basic.ack."""


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
        assert state["checks"]["postgres"]["status"] == "down"
        assert await stored_clicks(database_url) == 100
        proxy.mend()
        await until_stored(database_url, 300)
    assert await queued(amqp_url) == 0
    assert await queued(amqp_url, broker.DEAD_QUEUE) == 0
    assert await ledger(database_url, source) == ("{[0,300)}", 300, 0, 0)
    await assert_counts_are_rows(database_url)


async def test_a_standby_takes_no_clicks_and_loses_none(database_url: str, amqp_url: str) -> None:
    """Clicks wait for the primary and are stored there; none of them is taken for poison."""
    source = uuid.uuid4()
    messages = messages_of(source, 4, 50)
    async with running_worker(database_url, amqp_url) as worker:
        await publish(amqp_url, messages[:2])
        await until_stored(database_url, 100)
        async with taking_no_writes(database_url):
            await publish(amqp_url, messages[2:])

            async def has_failed() -> bool:
                return await worker.count("qck_click_flush_failures_total") >= 2

            await until(has_failed)
        await until_stored(database_url, 200)
        state = await worker.readiness()
        assert state["code"] == 200

        async def is_folded() -> bool:
            return not await fetch(database_url, "SELECT FROM click_deltas")

        await until(is_folded)
    assert await queued(amqp_url, broker.DEAD_QUEUE) == 0
    assert await ledger(database_url, source) == ("{[0,200)}", 200, 0, 0)
    await assert_counts_are_rows(database_url)


async def test_a_worker_starts_before_its_database(database_url: str, amqp_url: str) -> None:
    """It waits, consumes nothing meanwhile, and needs nobody to start it again."""
    await publish(amqp_url, messages_of(uuid.uuid4(), 1, 5))
    async with proxied(database_url) as (proxy, url):
        proxy.shut()
        async with running_worker(url, amqp_url) as worker:
            state = await worker.readiness()
            assert state["code"] == 503
            assert "waiting for the database" in state["checks"]["rabbitmq"]["reason"]
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
