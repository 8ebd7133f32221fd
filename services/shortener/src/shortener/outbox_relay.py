"""The endless task that brings to the cache what requests could not.

Its bound: a change is visible within a second of Redis being up, also when Redis was down or
frozen at the time of the change. So it never waits longer than that between two attempts.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from shared.metrics import ShortenerMetrics
from shortener.link_outbox import BATCH_SIZE, MIN_AGE_S, Backlog
from shortener.transactions import TRY_LATER

log = structlog.get_logger()

INTERVAL_S = 0.25

Sleep = Callable[[float], Awaitable[None]]


class Outbox(Protocol):
    """What there is to relay."""

    async def backlog(self) -> Backlog:
        """Look what is left."""

    async def relay_batch(self) -> int | None:
        """Apply the oldest changes; return how many, or None if Redis is away."""


class OutboxRelay:
    """Looks four times a second, and says in the log when it begins and ceases to get stuck."""

    def __init__(
        self, outbox: Outbox, metrics: ShortenerMetrics, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._outbox = outbox
        self._metrics = metrics
        self._sleep = sleep
        self._stuck_on = ""

    async def run(self) -> None:
        """Relay until cancelled."""
        while True:
            await self.turn()
            await self._sleep(INTERVAL_S)

    async def turn(self) -> None:
        """Apply what is left, as far as both stores allow."""
        try:
            self._note(await self._relay())
        except TRY_LATER:  # or not migrated yet
            self._note("postgres")

    async def _relay(self) -> str:
        backlog = await self._outbox.backlog()
        self._metrics.outbox_pending.set(backlog.pending)
        self._metrics.outbox_age.set(backlog.age_s)
        if backlog.age_s < MIN_AGE_S:
            return ""
        applied: int | None = BATCH_SIZE
        while applied == BATCH_SIZE:
            applied = await self._outbox.relay_batch()
        return "redis" if applied is None else ""

    def _note(self, stuck_on: str) -> None:
        if stuck_on and stuck_on != self._stuck_on:
            log.warning("outbox_stuck", store=stuck_on)
        elif self._stuck_on and not stuck_on:
            log.info("outbox_relayed_again")
        self._stuck_on = stuck_on
