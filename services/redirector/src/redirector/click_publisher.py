"""From the spool to the broker: whole lines, in order, again and again until confirmed."""

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass
from uuid import uuid4

import aio_pika
import structlog
from aio_pika.abc import AbstractExchange
from aio_pika.exceptions import PublishError

from redirector.adopted_spools import AdoptedSpools
from redirector.spool import ClickSpool
from redirector.spool_reader import SpoolBatch, SpoolReader
from shared import broker
from shared.background import is_being_cancelled
from shared.click_event import CONTENT_TYPE, SCHEMA_VERSION
from shared.metrics import RedirectorMetrics
from shared.settings import Secret

MAX_IN_FLIGHT = 4
"""Messages awaiting their confirm: enough to hide a round trip, few enough to resend."""

ADOPT_INTERVAL_S = 2.0

MARK_AFTER_S = 2.0
"""Idle time after which the last confirm is told to the ledger by a message without clicks."""

BACKOFF_FIRST_S = 0.2
BACKOFF_LAST_S = 2.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _InFlight:
    reader: SpoolReader
    batch: SpoolBatch
    confirm: asyncio.Task[None]


class ClickPublisher:
    """Publishes this process's spool and those that it has `adopted` of dead processes.

    A message is at most `max_clicks` lines of one source, sent when it is full or `linger_s` after
    the last one. It is persistent and mandatory, and only the broker's confirm moves the
    checkpoint. Any failure (nack, return, timeout, lost connection) ends the connection; after a
    back-off everything since the checkpoint is sent again. So a click is sent at least once, and
    its id makes it count once. A spool that cannot be used holds up none of the others.
    """

    __slots__ = (
        "_adopted",
        "_is_draining",
        "_last_sent_at",
        "_linger_s",
        "_max_clicks",
        "_metrics",
        "_name",
        "_spool",
        "_timeout_s",
        "_url",
        "is_connected",
    )

    def __init__(
        self,
        *,
        url: Secret,
        name: str,
        spool: ClickSpool,
        adopted: AdoptedSpools,
        max_clicks: int,
        linger_s: float,
        timeout_s: float,
        metrics: RedirectorMetrics,
    ) -> None:
        self._url = url
        self._name = name
        self._spool = spool
        self._adopted = adopted
        self._max_clicks = max_clicks
        self._linger_s = linger_s
        self._timeout_s = timeout_s
        self._metrics = metrics
        self._last_sent_at = 0.0
        self._is_draining = False
        self.is_connected = False

    async def run(self) -> None:
        """Publish until `drain` is called and everything is confirmed; no failure ends it.

        Spools are adopted without a broker, too: what waits in them is shown all the while.
        """
        async with asyncio.TaskGroup() as tasks:
            adopting = tasks.create_task(self._adopted.adopt_every(ADOPT_INTERVAL_S))
            await self._publish_until_drained()
            adopting.cancel()

    async def _publish_until_drained(self) -> None:
        backoff_s = BACKOFF_FIRST_S
        while True:
            try:
                await self._publish_over_one_connection()
                return
            except (Exception, asyncio.CancelledError) as error:
                if is_being_cancelled():  # else publishing must go on, after whatever it was
                    # A connection that fails in the same moment hides that: it is no failure.
                    raise asyncio.CancelledError from error
                if self.is_connected:
                    backoff_s = BACKOFF_FIRST_S
                log.warning("click_publishing_interrupted", reason=repr(error))
            self.is_connected = False
            for reader in self._readers():
                reader.rewind()
            self._metrics.publish_retries.inc()
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_LAST_S)

    def drain(self) -> None:
        """Let `run` end once everything appended so far is confirmed."""
        self._is_draining = True

    def oldest_age_s(self) -> float:
        """Return the age of the oldest unconfirmed click, adopted ones included."""
        return max(reader.oldest_age_s() for reader in self._readers())

    def _readers(self) -> list[SpoolReader]:
        return [self._spool.reader, *self._adopted.readers]

    async def _publish_over_one_connection(self) -> None:
        connection = await broker.connect(self._url, connection_name=f"{self._name} clicks")
        async with connection:
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            exchange = await broker.declare_topology(channel)
            self.is_connected = True
            log.info("click_publishing_started")
            async with asyncio.TaskGroup() as tasks:
                await self._pump(exchange, tasks)

    async def _pump(self, exchange: AbstractExchange, tasks: asyncio.TaskGroup) -> None:
        in_flight: deque[_InFlight] = deque()
        while True:
            is_behind = await self._send(exchange, tasks, in_flight)
            if is_behind:
                await asyncio.wait([in_flight[0].confirm])
            else:
                await asyncio.sleep(self._linger_s)
            self._confirm(in_flight)
            self._adopted.finish(busy={entry.reader.source for entry in in_flight})
            if self._is_draining and not in_flight and self._is_drained():
                return

    async def _send(
        self,
        exchange: AbstractExchange,
        tasks: asyncio.TaskGroup,
        in_flight: deque[_InFlight],
    ) -> bool:
        """Send what fits in flight; tell whether full messages had to stay behind."""
        for reader in self._readers():
            while len(in_flight) < MAX_IN_FLIGHT:
                batch = self._adopted.read(reader, self._max_clicks)
                if batch is None:
                    break
                self._last_sent_at = time.monotonic()
                task = tasks.create_task(self._publish(exchange, batch))
                in_flight.append(_InFlight(reader, batch, task))
                if batch.count < self._max_clicks:
                    break
                # A full message takes a millisecond of the loop: visitors go between two of them.
                await asyncio.sleep(0)
            self._send_mark(reader, exchange, tasks, in_flight)
        return len(in_flight) == MAX_IN_FLIGHT

    def _send_mark(
        self,
        reader: SpoolReader,
        exchange: AbstractExchange,
        tasks: asyncio.TaskGroup,
        in_flight: deque[_InFlight],
    ) -> None:
        """Tell how far the broker has confirmed, where no further clicks will tell it soon."""
        if len(in_flight) == MAX_IN_FLIGHT or not self._is_mark_due(reader):
            return
        mark = reader.mark()
        if mark is not None:
            task = tasks.create_task(self._publish(exchange, mark))
            in_flight.append(_InFlight(reader, mark, task))

    def _is_mark_due(self, reader: SpoolReader) -> bool:
        if self._is_draining or reader is not self._spool.reader:
            return True
        return time.monotonic() - self._last_sent_at > MARK_AFTER_S

    async def _publish(self, exchange: AbstractExchange, batch: SpoolBatch) -> None:
        message = aio_pika.Message(
            batch.body,
            content_type=CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            # Unique for each attempt: aio-pika matches returned messages by it.
            message_id=uuid4().hex,
            headers={
                broker.HEADER_SCHEMA_VERSION: SCHEMA_VERSION,
                broker.HEADER_SOURCE: batch.source,
                broker.HEADER_FIRST_SEQUENCE: batch.first_sequence,
                broker.HEADER_COUNT: batch.count,
                broker.HEADER_APPENDED: batch.appended,
                broker.HEADER_CONFIRMED: batch.confirmed,
            },
        )
        self._metrics.messages_sent.inc()
        try:
            async with asyncio.timeout(self._timeout_s):
                await exchange.publish(message, broker.CLICKS_ROUTING_KEY, mandatory=True)
        except PublishError:  # no queue is bound that would take it
            self._metrics.messages_returned.inc()
            raise
        except BaseException:
            self._metrics.messages_failed.inc()
            raise

    def _confirm(self, in_flight: deque[_InFlight]) -> None:
        """Move checkpoints over the confirmed prefix, and over nothing behind it."""
        while in_flight and in_flight[0].confirm.done():
            head = in_flight.popleft()
            head.confirm.result()
            head.reader.confirm(head.batch)
            self._metrics.messages_confirmed.inc()
            self._metrics.clicks_published.inc(head.batch.count)

    def _is_drained(self) -> bool:
        reader = self._spool.reader
        return reader.confirmed.sequence == self._spool.next_sequence and reader.is_announced


async def drain_within(
    publisher: ClickPublisher, running: "asyncio.Task[None]", deadline_s: float
) -> None:
    """Let the publisher finish, or stop it at the deadline: what is left stays on disk.

    Without a broker there is nothing to wait for.
    """
    publisher.drain()
    if publisher.is_connected:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                await asyncio.shield(running)
    running.cancel()
