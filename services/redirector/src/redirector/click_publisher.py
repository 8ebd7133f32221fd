"""From the spool to the broker: whole lines, in order, again and again until confirmed."""

import asyncio
import contextlib
import os
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import aio_pika
import structlog
from aio_pika.abc import AbstractExchange
from aio_pika.exceptions import PublishError

from redirector.spool import ClickSpool
from redirector.spool_folder import SpoolFolder
from redirector.spool_reader import SpoolBatch, SpoolReader
from shared import broker
from shared.background import is_being_cancelled
from shared.click_event import CONTENT_TYPE, SCHEMA_VERSION
from shared.metrics import RedirectorMetrics
from shared.settings import Secret

MAX_IN_FLIGHT = 4
"""Messages awaiting their confirm: enough to hide a round trip, few enough to resend."""

ADOPT_INTERVAL_S = 2.0

UNUSABLE_FOR_S = 60.0
"""How long a spool is left alone that cannot be read: a broken disk may take seconds to say so."""

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
    """Publishes this process's spool and those that dead processes left.

    A message is at most `max_clicks` lines of one source, sent when it is full or `linger_s` after
    the last one. It is persistent and mandatory, and only the broker's confirm moves the
    checkpoint. Any failure (nack, return, timeout, lost connection) ends the connection; after a
    back-off everything since the checkpoint is sent again. So a click is sent at least once, and
    its id makes it count once. A spool that cannot be used is set aside, logged and shown
    (`qck_spools_unusable`), and tried again later; the others go on.
    """

    __slots__ = (
        "_adopted",
        "_is_draining",
        "_last_sent_at",
        "_linger_s",
        "_max_clicks",
        "_metrics",
        "_name",
        "_root",
        "_spool",
        "_timeout_s",
        "_unusable",
        "_url",
        "is_connected",
    )

    def __init__(
        self,
        *,
        url: Secret,
        name: str,
        spool: ClickSpool,
        root: Path,
        max_clicks: int,
        linger_s: float,
        timeout_s: float,
        metrics: RedirectorMetrics,
    ) -> None:
        self._url = url
        self._name = name
        self._spool = spool
        self._root = root
        self._max_clicks = max_clicks
        self._linger_s = linger_s
        self._timeout_s = timeout_s
        self._metrics = metrics
        self._adopted: list[SpoolReader] = []
        # When each may be tried again.
        self._unusable: dict[str, float] = {}
        self._last_sent_at = 0.0
        self._is_draining = False
        self.is_connected = False

    async def run(self) -> None:
        """Publish until `drain` is called and everything is confirmed; no failure ends it.

        Spools are adopted without a broker, too: what waits in them is shown all the while.
        """
        async with asyncio.TaskGroup() as tasks:
            adopting = tasks.create_task(self._adopt_every(ADOPT_INTERVAL_S))
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

    def close(self) -> None:
        """Leave adopted folders that are not finished to the next process."""
        for reader in self._adopted:
            reader.release()
        self._adopted.clear()

    def oldest_age_s(self) -> float:
        """Return the age of the oldest unconfirmed click, adopted ones included."""
        return max(reader.oldest_age_s() for reader in self._readers())

    @property
    def adopted_bytes(self) -> int:
        """Bytes that dead processes left and that are not yet confirmed."""
        return sum(reader.left_bytes for reader in self._adopted)

    @property
    def unusable(self) -> list[str]:
        """The spools that could not be used when that was last tried."""
        return list(self._unusable)

    def _readers(self) -> list[SpoolReader]:
        return [self._spool.reader, *self._adopted]

    async def _publish_over_one_connection(self) -> None:
        connection = await broker.connect(self._url, connection_name=f"{self._name} clicks")
        async with connection:
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            exchange = await broker.declare_topology(channel)
            self.is_connected = True
            log.info("click_publishing_started")
            async with asyncio.TaskGroup() as tasks:
                await self._pump(exchange, tasks)

    async def _adopt_every(self, interval_s: float) -> None:
        while True:
            self._adopt()
            await asyncio.sleep(interval_s)

    def _adopt(self) -> None:
        for source in [name for name in self._unusable if not os.path.exists(self._root / name)]:
            self._set_usable(source)
        skipped = {source for source in self._unusable if self._is_set_aside(source)}
        for folder in SpoolFolder.adopt(self._root, skipped=skipped, refused=self._set_aside):
            try:
                reader = SpoolReader(folder, metrics=self._metrics)
            except OSError as error:
                folder.close()
                self._set_aside(folder.source, error)
                continue
            self._adopted.append(reader)
            log.info("spool_adopted", source=folder.source)

    def _set_aside(self, source: str, error: OSError) -> None:
        """Leave a spool alone for a while, so that it does not hold up the others."""
        if source not in self._unusable:
            log.warning("spool_unusable", source=source, reason=repr(error))
        self._unusable[source] = time.monotonic() + UNUSABLE_FOR_S
        self._metrics.spools_unusable.set(len(self._unusable))

    def _set_usable(self, source: str) -> None:
        if self._unusable.pop(source, None) is not None:
            self._metrics.spools_unusable.set(len(self._unusable))

    def _is_set_aside(self, source: str) -> bool:
        return self._unusable.get(source, 0.0) > time.monotonic()

    async def _pump(self, exchange: AbstractExchange, tasks: asyncio.TaskGroup) -> None:
        in_flight: deque[_InFlight] = deque()
        while True:
            is_behind = await self._send(exchange, tasks, in_flight)
            if is_behind:
                await asyncio.wait([in_flight[0].confirm])
            else:
                await asyncio.sleep(self._linger_s)
            self._confirm(in_flight)
            self._finish_adopted(in_flight)
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
            while len(in_flight) < MAX_IN_FLIGHT and not self._is_set_aside(reader.source):
                batch = self._read(reader)
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

    def _read(self, reader: SpoolReader) -> SpoolBatch | None:
        try:
            batch = reader.read(self._max_clicks)
        except OSError as error:
            self._set_aside(reader.source, error)
            return None
        if batch is not None:
            self._set_usable(reader.source)
        return batch

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

    def _finish_adopted(self, in_flight: deque[_InFlight]) -> None:
        busy = {id(entry.reader) for entry in in_flight}
        for reader in list(self._adopted):
            if id(reader) in busy:
                continue
            if self._is_set_aside(reader.source):
                self._adopted.remove(reader)
                reader.release()
                continue
            try:
                if reader.is_announced and reader.is_finished():
                    self._adopted.remove(reader)
                    reader.remove()
            except OSError as error:
                self._set_aside(reader.source, error)

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
