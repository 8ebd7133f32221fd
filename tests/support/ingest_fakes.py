"""What a flush works with, without PostgreSQL and RabbitMQ."""

from collections.abc import Callable, Sequence

import asyncpg

from click_ingest.batch import ClickBatch
from click_ingest.dead_letters import DeadLetter
from click_ingest.refusal import Refusal, refusal_of
from shared.click_event import ClickEvent
from tests.support.clock import FakeClock


class FakeWriter:
    """Stores in a dict; fails with what is put into `failures`, refuses what `is_refused` says."""

    def __init__(self, is_refused: Callable[[ClickEvent], bool] = lambda _: False) -> None:
        self.stored: dict[str, ClickEvent] = {}
        self.failures: list[Exception] = []
        self.batches: list[ClickBatch] = []
        self.is_refused = is_refused
        self.attempts = 0

    async def write(self, batch: ClickBatch) -> int:
        """Store all or nothing."""
        self.attempts += 1
        if self.failures:
            raise self.failures.pop(0)
        if any(map(self.is_refused, batch.clicks)):
            raise asyncpg.CheckViolationError("no partition found for row")
        before = len(self.stored)
        self.stored |= {click.id: click for click in batch.clicks}
        self.batches.append(batch)
        return len(self.stored) - before

    async def refusal(self, clicks: Sequence[ClickEvent]) -> Refusal | None:
        """Say so when one of them is refused."""
        if any(map(self.is_refused, clicks)):
            return refusal_of(asyncpg.CheckViolationError("no partition found for row"))
        return None


class FakePublisher:
    """Keeps letters; fails with what is put into `failures`."""

    def __init__(self) -> None:
        self.published: list[DeadLetter] = []
        self.failures: list[Exception] = []

    async def publish(self, letter: DeadLetter) -> None:
        """Keep the letter."""
        if self.failures:
            raise self.failures.pop(0)
        self.published.append(letter)


class FakeSleep:
    """Lets a fake clock's time pass, and remembers how much."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.slept_s: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Pass the time."""
        self.slept_s.append(seconds)
        self.clock.advance(seconds)
