"""Clicks that wait in the queue, sent there as redirectors send them."""

import asyncio
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import aio_pika
from aio_pika.abc import HeadersType

from shared import broker
from shared.click_event import CONTENT_TYPE, SCHEMA_VERSION
from shared.settings import Secret
from tests.bench.click_lines import PER_MS, ClickLines

MESSAGE_CLICKS = 500
"""The default of PUBLISH_MAX_CLICKS."""
SOURCES = 2
IN_FLIGHT = 16


async def publish_backlog(
    amqp_url: str, clicks: int, lines: ClickLines, progress: Callable[[float], None]
) -> None:
    """Fill the queue with so many clicks of two spools, every message confirmed."""
    connection = await broker.connect(Secret(amqp_url), connection_name="bench backlog")
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await broker.declare_topology(channel)
        free = asyncio.Semaphore(IN_FLIGHT)

        async def send(message: aio_pika.Message, count: int) -> None:
            await exchange.publish(message, broker.CLICKS_ROUTING_KEY, mandatory=True)
            free.release()
            progress(count)

        async with asyncio.TaskGroup() as tasks:
            for message, count in _messages(clicks, lines):
                await free.acquire()
                tasks.create_task(send(message, count))


def _messages(clicks: int, lines: ClickLines) -> Iterator[tuple[aio_pika.Message, int]]:
    began_ms = round(time.time() * 1000) - clicks // PER_MS
    sources = [str(uuid4()) for _ in range(SOURCES)]
    sent = dict.fromkeys(sources, 0)
    for first in range(0, clicks, MESSAGE_CLICKS):
        count = min(MESSAGE_CLICKS, clicks - first)
        source = sources[first // MESSAGE_CLICKS % SOURCES]
        headers: HeadersType = {
            broker.HEADER_SCHEMA_VERSION: SCHEMA_VERSION,
            broker.HEADER_SOURCE: source,
            broker.HEADER_FIRST_SEQUENCE: sent[source],
            broker.HEADER_COUNT: count,
            broker.HEADER_APPENDED: sent[source] + count,
            broker.HEADER_CONFIRMED: sent[source],
        }
        sent[source] += count
        message = aio_pika.Message(
            lines.message(began_ms + first // PER_MS, count),
            content_type=CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=uuid4().hex,
            headers=headers,
        )
        yield message, count
