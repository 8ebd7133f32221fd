"""A whole worker between a real RabbitMQ and a real PostgreSQL, and what is done to it."""

import asyncio
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from local_stack.ports import choose_ports
from tests.support.clicks import Delivered, messages_of
from tests.support.ingest import (
    DEADLINE_S,
    assert_counts_are_rows,
    ledger,
    publish,
    queued,
    running_worker,
    stored_clicks,
    until,
    until_stored,
    worker_environment,
)

LONG_MS = "60000"


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
        assert set(state["checks"]) == {"rabbitmq", "postgres", "poison", "partitions"}
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
