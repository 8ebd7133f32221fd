"""Clicks that are lost or deleted by hand: `make ledger` and the metrics tell within a minute.

The test gives everything back, for the stack is also others'.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import aio_pika
import httpx2
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from prometheus_client.parser import text_string_to_metric_families

from local_stack.stack import Stack
from shared import broker
from shared.settings import Secret
from tests.support.database import fetch, wait_until_stored

TOLD_WITHIN_S = 60
"""What is promised."""

VISITS = 40


@pytest.fixture
async def channel(stack: Stack) -> AsyncIterator[AbstractChannel]:
    """A channel of somebody with a hand in the queue."""
    connection = await broker.connect(Secret(stack.urls.amqp_url), connection_name="tests")
    async with connection:
        yield await connection.channel(publisher_confirms=True)


async def visit(client: httpx2.AsyncClient, api: httpx2.AsyncClient) -> set[str]:
    """Visit a new link some times; return the request ids."""
    created = await api.post("/short-urls", json={"longUrl": "https://example.org/"})
    code = created.json()["shortCode"]
    answers = [await client.get(f"/{code}") for _ in range(VISITS)]
    assert {answer.status_code for answer in answers} == {302}
    return {answer.headers["x-request-id"] for answer in answers}


async def take_one_message(channel: AbstractChannel) -> AbstractIncomingMessage:
    """Take the first message with clicks out of the queue; those before it go back."""
    queue = await channel.get_queue(broker.INGEST_QUEUE)
    async with asyncio.timeout(TOLD_WITHIN_S):
        while True:
            message = await queue.get(fail=False)
            if message is None:
                await asyncio.sleep(0.05)
            elif message.body:
                await message.ack()
                return message


async def until_told(stack: Stack, metric: str, clicks: int) -> None:
    """Wait for the worker's metric to have this value."""
    url = f"http://127.0.0.1:{stack.port('click-ingest')}/metrics"
    async with asyncio.timeout(TOLD_WITHIN_S), httpx2.AsyncClient() as http:
        while True:
            families = text_string_to_metric_families((await http.get(url)).text)
            values = [
                sample.value
                for family in families
                for sample in family.samples
                if sample.name == metric
            ]
            if values == [clicks]:
                return
            await asyncio.sleep(0.2)


async def make_ledger(stack: Stack) -> tuple[int | None, str]:
    """Run what `make ledger` runs; return its status and what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "click_ingest.ledger_report",
        env={**os.environ, **stack.service_environment("click-ingest")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_a_message_lost_from_the_queue_is_told(
    stack: Stack, visitor: httpx2.AsyncClient, api: httpx2.AsyncClient, channel: AbstractChannel
) -> None:
    """The missing clicks are counted, their source and numbers named; given back, all is well."""
    await asyncio.to_thread(stack.stop_program, "click-ingest")
    try:
        request_ids = await visit(visitor, api)
        lost = await take_one_message(channel)
    finally:
        await asyncio.to_thread(stack.start_program, "click-ingest")
    await asyncio.to_thread(stack.wait_ready, "click-ingest", 60)
    clicks = lost.body.count(b"\n")
    await until_told(stack, "qck_ledger_missing_clicks", clicks)
    first = int(str(lost.headers[broker.HEADER_FIRST_SEQUENCE]))
    status, report = await make_ledger(stack)
    assert status == 1
    source = str(lost.headers[broker.HEADER_SOURCE])
    assert f"missing from {source}: {{[{first},{first + clicks})}}" in report

    exchange = await channel.get_exchange(broker.CLICKS_EXCHANGE)
    await exchange.publish(
        aio_pika.Message(lost.body, headers=lost.headers), broker.CLICKS_ROUTING_KEY
    )
    await until_told(stack, "qck_ledger_missing_clicks", 0)
    assert sorted(await wait_until_stored(stack.urls.database_url, request_ids)) == sorted(
        request_ids
    )
    status, report = await make_ledger(stack)
    assert (status, "nothing is missing" in report) == (0, True)


async def test_a_deleted_range_of_clicks_is_told(
    stack: Stack, visitor: httpx2.AsyncClient, api: httpx2.AsyncClient
) -> None:
    """Rows that somebody deletes with SQL are counted, though the ledger's ranges are whole."""
    url = stack.urls.database_url
    request_ids = await visit(visitor, api)
    await wait_until_stored(url, request_ids)
    await fetch(
        url,
        "CREATE TABLE kept_clicks AS SELECT * FROM clicks"
        " WHERE request_id = ANY($1::text[]) ORDER BY id LIMIT 7",
        list(request_ids),
    )
    try:
        rows = await fetch(
            url,
            "DELETE FROM clicks WHERE id IN (SELECT id FROM kept_clicks) RETURNING id::text",
        )
        await until_told(stack, "qck_ledger_deleted_clicks", 7)
        status, report = await make_ledger(stack)
        assert status == 1
        assert "7 stored clicks were deleted: see click_deletions" in report
        noted = await fetch(url, "SELECT id::text FROM click_deletions")
        assert sorted(row["id"] for row in noted) == sorted(row["id"] for row in rows)
    finally:  # other tests compare this stack's rows with its counts
        await fetch(url, "INSERT INTO clicks SELECT * FROM kept_clicks ON CONFLICT DO NOTHING")
        await fetch(url, "DROP TABLE kept_clicks")
        await fetch(url, "TRUNCATE click_deletions")
    await until_told(stack, "qck_ledger_deleted_clicks", 0)
