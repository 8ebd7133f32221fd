"""Keeps a subscription to the queue alive, and has its batches flushed."""

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Protocol

import structlog

from click_ingest.flush import HeldTooLongError
from click_ingest.pipeline import Batches, Flush, flush_all
from click_ingest.poison_guard import PoisonLimitExceededError
from shared.background import is_being_cancelled

MAX_IN_FLIGHT = 2
"""Batches at once: the worker prepares one while PostgreSQL stores another."""

BACKOFF_FIRST_S = 0.2
BACKOFF_LAST_S = 2.0

log = structlog.get_logger()


class Subscription(Batches, Protocol):
    """Delivers batches, from when it is entered until it is left, ended, or lost."""

    async def __aenter__(self) -> "Subscription": ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def end(self) -> None:
        """Take nothing new, deliver what is held."""


class NotConsumingError(Exception):
    """Why no clicks are taken from the broker."""


class Consumer:
    """Consumes until drained. Acknowledges a batch once it is flushed, and only then.

    Waits for `until_ready` first: a click that comes before its partition is poison. A lost
    subscription is opened again after a back-off, and what was unacknowledged comes again. After a
    batch was held too long, for a missing database or a broker that takes no dead letters,
    messages are handed back, and the next subscription waits for `until_ready` again. Too much
    poison ends consuming until a restart.
    """

    __slots__ = (
        "_backoff_s", "_flush", "_is_draining", "_max_in_flight", "_subscribe", "_subscription",
        "_until_ready", "_wake", "poison_stop", "standing",
    )  # fmt: skip

    def __init__(
        self,
        *,
        subscribe: Callable[[], Subscription],
        flush: Flush,
        until_ready: Callable[[], Coroutine[Any, Any, None]],
        max_in_flight: int = MAX_IN_FLIGHT,
    ) -> None:
        self._subscribe = subscribe
        self._flush = flush
        self._until_ready = until_ready
        self._max_in_flight = max_in_flight
        self._subscription: Subscription | None = None
        self._is_draining = False
        self._wake = asyncio.Event()
        self._backoff_s = BACKOFF_FIRST_S
        self.standing = "not started"
        self.poison_stop: str | None = None

    async def run(self) -> None:
        """Consume until `drain` is called and what is held is flushed, or poison stops it."""
        await self._wait_until_ready()
        while not self._is_draining and self.poison_stop is None:
            try:
                await self._consume()
            except PoisonLimitExceededError as error:
                self.poison_stop = str(error)
                self.standing = f"stopped: {error}"
                log.error("consuming_stopped", reason=str(error))
            except HeldTooLongError as error:
                log.error("messages_handed_back", reason=str(error))
                await self._wait_until_ready()
            except (Exception, asyncio.CancelledError) as error:
                if is_being_cancelled():  # else consuming must go on, after whatever it was
                    raise
                self.standing = f"interrupted: {error!r}"
                log.warning("consuming_interrupted", reason=repr(error))
                await self._unless_draining(asyncio.sleep(self._backoff_s))
                self._backoff_s = min(self._backoff_s * 2, BACKOFF_LAST_S)
        if self._is_draining:
            self.standing = "drained"

    def drain(self) -> None:
        """Take nothing new from the broker, and let `run` end once what is held is flushed."""
        self._is_draining = True
        self._wake.set()
        if self._subscription is not None:
            self._subscription.end()

    async def broker_probe(self) -> dict[str, Any]:
        """Tell the health check that clicks are consumed.

        Raises:
            NotConsumingError: they are not.
        """
        if self._subscription is None:
            raise NotConsumingError(self.standing)
        return {"standing": self.standing}

    async def poison_probe(self) -> None:
        """Tell the health check that poison has not stopped the worker.

        Raises:
            NotConsumingError: it has.
        """
        if self.poison_stop is not None:
            raise NotConsumingError(self.poison_stop)

    async def _consume(self) -> None:
        async with self._subscribe() as subscription:
            self._subscription = subscription
            self.standing = "consuming"
            self._backoff_s = BACKOFF_FIRST_S
            log.info("consuming_started")
            if self._is_draining:
                subscription.end()
            try:
                await flush_all(subscription, self._flush, max_in_flight=self._max_in_flight)
            finally:
                self._subscription = None

    async def _wait_until_ready(self) -> None:
        self.standing = "waiting for the database"
        await self._unless_draining(self._until_ready())

    async def _unless_draining(self, waiting: Coroutine[Any, Any, None]) -> None:
        """Wait, but no longer than until `drain` is called."""
        async with asyncio.TaskGroup() as tasks:
            waits = tasks.create_task(waiting)
            woken = tasks.create_task(self._wake.wait())
            await asyncio.wait({waits, woken}, return_when=asyncio.FIRST_COMPLETED)
            waits.cancel()
            woken.cancel()
