"""Watching the queues: how many messages wait, for metrics and for the health check."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection

from shared import broker
from shared.background import heed_cancellation, is_being_cancelled
from shared.metrics import IngestMetrics

INTERVAL_S = 5.0
TIMEOUT_S = 3.0
CLOSE_TIMEOUT_S = 1.0
"""A worker that stops must not be held up by a broker that is frozen."""

QUEUES = (broker.INGEST_QUEUE, broker.DEAD_QUEUE)

log = structlog.get_logger()


class QueueWatch:
    """Keeps `qck_queue_messages` and `qck_queue_consumers` up to date.

    Uses a connection of its own, so that asking waits for no click and no click for it. While the
    broker is away the numbers are not known, which is not the same as zero: they are NaN then.
    """

    __slots__ = ("_connect", "_connection", "_metrics", "_sleep", "_waiting")

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[AbstractConnection]],
        metrics: IngestMetrics,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._connect = connect
        self._metrics = metrics
        self._sleep = sleep
        self._connection: AbstractConnection | None = None
        self._waiting: dict[str, int] = {}
        self._note_unknown()

    async def keep(self) -> None:
        """Look every five seconds; no failure ends it."""
        while True:
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    await self.look()
            except (Exception, asyncio.CancelledError) as error:
                if is_being_cancelled():  # else watching must go on, after whatever it was
                    raise
                log.warning("queues_not_seen", reason=repr(error))
                self._note_unknown()
                await self.close()
            await self._sleep(INTERVAL_S)

    async def look(self) -> None:
        """Ask once, and set the metrics."""
        if self._connection is None or self._connection.is_closed:
            self._connection = await self._connect()
            heed_cancellation()  # aio-pika connects with `asyncio.wait_for`
        # A channel for each look: one on which a queue was not found is closed by the broker.
        async with self._connection.channel(publisher_confirms=False) as channel:
            for name in QUEUES:
                queue = await channel.declare_queue(name, passive=True)
                state = queue.declaration_result
                self._note(name, state.message_count or 0, state.consumer_count or 0)

    async def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await connection.close()
            except (OSError, TimeoutError, aio_pika.exceptions.AMQPError) as error:
                log.warning("connection_not_closed", reason=repr(error))

    def details(self) -> dict[str, Any]:
        """Return what the health check shows: the messages that wait in each queue, if known."""
        return {"queued_messages": dict(self._waiting)} if self._waiting else {}

    def _note(self, queue: str, messages: int, consumers: int) -> None:
        self._waiting[queue] = messages
        self._metrics.queue_messages.labels(queue).set(messages)
        self._metrics.queue_consumers.labels(queue).set(consumers)

    def _note_unknown(self) -> None:
        self._waiting.clear()
        for queue in QUEUES:
            self._metrics.queue_messages.labels(queue).set(math.nan)
            self._metrics.queue_consumers.labels(queue).set(math.nan)
