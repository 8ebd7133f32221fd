"""What happens to one batch: store it, set its poison aside, come back when all of it is safe."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol, get_args

import structlog

from click_ingest.batch import ClickBatch, open_batch
from click_ingest.dead_letters import DeadLetter, Fault
from click_ingest.message import Delivery
from click_ingest.poison_guard import PoisonGuard
from click_ingest.refusal import Refusal, refusal_of
from shared.click_event import ClickEvent
from shared.metrics import IngestMetrics

BACKOFF_FIRST_S = 0.1
BACKOFF_LAST_S = 5.0

HOLD_LIMIT_S = 600.0
"""RabbitMQ closes a channel whose deliveries are unacknowledged for 30 minutes."""

log = structlog.get_logger()


class HeldTooLongError(Exception):
    """A batch could not be dealt with in time: the broker shall have its messages back.

    str() tells what stood in the way at last.
    """


class Writer(Protocol):
    """Stores batches of clicks."""

    async def write(self, batch: ClickBatch) -> int:
        """Store a batch; return the new rows."""

    async def refusal(self, clicks: Sequence[ClickEvent]) -> Refusal | None:
        """Tell whether these clicks cannot be stored."""


class Publisher(Protocol):
    """Sets poison aside."""

    async def publish(self, letter: DeadLetter) -> None:
        """Return once the letter is safe."""


class Flusher:
    """Deals with batches, several at once; when `flush` returns, its messages may be acknowledged.

    Whatever fails is tried again, and nothing is dropped meanwhile: stored clicks are stored once
    however often they are written; dead letters may be published twice. Clicks that PostgreSQL
    refuses are found by halving the batch. Counted by `qck_click_flush_failures_total`.
    """

    __slots__ = (
        "_clock", "_dead_letters", "_guard", "_metrics", "_now", "_sleep", "_writer",
    )  # fmt: skip

    def __init__(
        self,
        *,
        writer: Writer,
        dead_letters: Publisher,
        guard: PoisonGuard,
        metrics: IngestMetrics,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._writer = writer
        self._dead_letters = dead_letters
        self._guard = guard
        self._metrics = metrics
        self._clock = clock
        self._now = now
        self._sleep = sleep
        for fault in get_args(Fault):  # a counter that begins with its first count shows no rise
            metrics.dead_lettered.labels(fault)

    async def flush(self, deliveries: Sequence[Delivery]) -> None:
        """Store the messages' clicks and set their poison aside.

        Raises:
            HeldTooLongError: it did not succeed in `HOLD_LIMIT_S`.
            PoisonLimitExceededError: nothing of this batch is stored or set aside.
        """
        give_up_at = self._clock() + HOLD_LIMIT_S
        batch = open_batch(deliveries)
        batch, stored = await self._store(batch, give_up_at)
        for letter in batch.dead_letters:
            await self._set_aside(letter, give_up_at)
        self._guard.count(batch.received, batch.poison)
        self._count(batch, stored)

    async def _store(self, batch: ClickBatch, give_up_at: float) -> tuple[ClickBatch, int]:
        backoff_s = BACKOFF_FIRST_S
        while True:
            self._guard.admit(batch.received, batch.poison)
            try:
                with self._metrics.flush_duration.time():
                    return batch, await self._writer.write(batch)
            except Exception as error:  # whatever it is, the clicks must not be lost to it
                failure = error
            try:
                if refusal := refusal_of(failure):
                    refused = await self._find_refused(batch.clicks, refusal)
                    if refused:
                        batch = batch.without(refused)
                        continue
            except Exception as error:  # as above
                failure = error
            self._metrics.flush_failures.inc()
            log.warning("click_flush_failed", reason=repr(failure), clicks=len(batch.clicks))
            reason = f"clicks are not stored: {failure!r}"
            backoff_s = await self._back_off(backoff_s, give_up_at, reason)

    async def _find_refused(
        self, clicks: Sequence[ClickEvent], refusal: Refusal
    ) -> list[tuple[ClickEvent, Refusal]]:
        if len(clicks) == 1:
            return [(clicks[0], refusal)]
        refused: list[tuple[ClickEvent, Refusal]] = []
        middle = len(clicks) // 2
        for half in (clicks[:middle], clicks[middle:]):
            if half and (reason := await self._writer.refusal(half)):
                refused += await self._find_refused(half, reason)
        return refused

    async def _set_aside(self, letter: DeadLetter, give_up_at: float) -> None:
        backoff_s = BACKOFF_FIRST_S
        while True:
            try:
                await self._dead_letters.publish(letter)
            except Exception as error:  # as above
                log.warning("dead_letter_publishing_failed", reason=repr(error))
                reason = f"dead letters are not taken: {error!r}"
                backoff_s = await self._back_off(backoff_s, give_up_at, reason)
            else:
                break
        self._metrics.dead_lettered.labels(letter.fault).inc(letter.clicks)
        log.warning(
            "click_dead_lettered",
            reason=letter.reason,
            clicks=letter.clicks,
            source=str(letter.source),
            first_sequence=letter.sequences.start,
        )

    async def _back_off(self, backoff_s: float, give_up_at: float, reason: str) -> float:
        if self._clock() + backoff_s > give_up_at:
            raise HeldTooLongError(reason)
        await self._sleep(backoff_s)
        return min(backoff_s * 2, BACKOFF_LAST_S)

    def _count(self, batch: ClickBatch, stored: int) -> None:
        metrics = self._metrics
        metrics.messages.inc(len(batch.messages))
        metrics.received.inc(batch.received)
        metrics.stored.inc(stored)
        metrics.repeated.inc(batch.received - batch.poison - stored)
        metrics.batch_size.observe(batch.received)
        if batch.clicks:
            oldest = min(click.clicked_at for click in batch.clicks)
            metrics.lag.observe(max(0.0, (self._now() - oldest).total_seconds()))
