"""Watching the queues of a real RabbitMQ."""

import asyncio
import math

import aio_pika
from prometheus_client import CollectorRegistry

from click_ingest.queue_watch import QueueWatch
from shared import broker
from shared.metrics import IngestMetrics
from shared.settings import Secret

DEADLINE_S = 10


class Watched:
    """A watch, and what its metrics say."""

    def __init__(self, url: str) -> None:
        self._registry = CollectorRegistry()
        self.watch = QueueWatch(
            connect=lambda: broker.connect(Secret(url), connection_name="tests watch"),
            metrics=IngestMetrics(self._registry),
        )

    def messages(self, queue: str) -> float | None:
        """Read the metric."""
        return self._registry.get_sample_value("qck_queue_messages", {"queue": queue})


async def test_what_waits_is_counted(amqp_url: str) -> None:
    """Messages in the queue and among the dead letters are numbers of their own."""
    watched = Watched(amqp_url)
    connection = await broker.connect(Secret(amqp_url), connection_name="tests")
    async with connection, connection.channel(publisher_confirms=True) as channel:
        exchange = await broker.declare_topology(channel)
        for _ in range(3):
            await exchange.publish(aio_pika.Message(b"x"), broker.CLICKS_ROUTING_KEY)
        async with asyncio.timeout(DEADLINE_S):
            while watched.messages(broker.INGEST_QUEUE) != 3:
                await watched.watch.look()
    assert watched.messages(broker.DEAD_QUEUE) == 0
    assert watched.watch.details() == {
        "queued_messages": {broker.INGEST_QUEUE: 3, broker.DEAD_QUEUE: 0}
    }
    await watched.watch.close()


async def test_unknown_is_not_zero() -> None:
    """While the broker is away nothing is claimed."""
    watched = Watched("amqp://127.0.0.1:1/")
    looked = asyncio.Event()

    async def sleep(_: float) -> None:
        looked.set()
        await asyncio.Event().wait()

    watched.watch._sleep = sleep
    keeping = asyncio.create_task(watched.watch.keep())
    async with asyncio.timeout(DEADLINE_S):
        await looked.wait()
    assert math.isnan(watched.messages(broker.INGEST_QUEUE) or 0)
    assert watched.watch.details() == {}
    keeping.cancel()
    await asyncio.wait({keeping})
