"""How often the relay looks, and what it says in the log."""

import asyncio

import pytest
import structlog
from prometheus_client import CollectorRegistry

from shared.metrics import ShortenerMetrics
from shortener.link_outbox import BATCH_SIZE, Backlog
from shortener.outbox_relay import INTERVAL_S, OutboxRelay
from shortener.transactions import DatabaseUnavailableError


class FakeOutbox:
    """An outbox with `pending` old rows; each of its stores can be away."""

    def __init__(self, pending: int = 0, age_s: float = 60.0) -> None:
        self.pending = pending
        self.age_s = age_s
        self.is_database_away = False
        self.is_cache_away = False
        self.batches = 0

    async def backlog(self) -> Backlog:
        """Look."""
        if self.is_database_away:
            raise DatabaseUnavailableError("away")
        return Backlog(self.pending, self.age_s if self.pending else 0.0)

    async def relay_batch(self) -> int | None:
        """Apply up to a batch."""
        if self.is_cache_away:
            return None
        self.batches += 1
        applied = min(self.pending, BATCH_SIZE)
        self.pending -= applied
        return applied


def a_relay(outbox: FakeOutbox, registry: CollectorRegistry | None = None) -> OutboxRelay:
    """Make a relay that does not wait."""
    return OutboxRelay(outbox, ShortenerMetrics(registry or CollectorRegistry()))


async def test_everything_is_relayed_in_one_turn() -> None:
    """However many batches that takes; the last one is not full."""
    outbox = FakeOutbox(pending=2 * BATCH_SIZE + 1)
    await a_relay(outbox).turn()
    assert (outbox.pending, outbox.batches) == (0, 3)


async def test_young_rows_are_left_to_their_requests() -> None:
    """They are about to be deleted by who wrote them."""
    outbox = FakeOutbox(pending=1, age_s=0.1)
    await a_relay(outbox).turn()
    assert (outbox.pending, outbox.batches) == (1, 0)


async def test_a_full_batch_and_a_dead_redis_end_the_turn() -> None:
    """A turn never turns into a tight loop."""
    outbox = FakeOutbox(pending=5)
    outbox.is_cache_away = True
    async with asyncio.timeout(1):
        await a_relay(outbox).turn()
    assert outbox.pending == 5


@pytest.mark.parametrize(
    ("flag", "store"), [("is_cache_away", "redis"), ("is_database_away", "postgres")]
)
async def test_it_says_once_that_it_is_stuck(flag: str, store: str) -> None:
    """And once that it goes on; ten failures are not ten lines."""
    outbox = FakeOutbox(pending=1)
    relay = a_relay(outbox)
    with structlog.testing.capture_logs() as logs:
        setattr(outbox, flag, True)
        for _ in range(10):
            await relay.turn()
        setattr(outbox, flag, False)
        for _ in range(3):
            await relay.turn()
    assert [(entry["event"], entry.get("store")) for entry in logs] == [
        ("outbox_stuck", store),
        ("outbox_relayed_again", None),
    ]


async def test_gauges_show_the_backlog() -> None:
    """Number and age, as found at the beginning of a turn."""
    registry = CollectorRegistry()
    outbox = FakeOutbox(pending=3, age_s=7.5)
    outbox.is_cache_away = True
    await a_relay(outbox, registry).turn()
    assert registry.get_sample_value("qck_link_outbox_pending") == 3
    assert registry.get_sample_value("qck_link_outbox_oldest_age_seconds") == 7.5


async def test_it_looks_again_after_each_interval() -> None:
    """For ever, whatever happens in between."""
    outbox = FakeOutbox()
    waits: list[float] = []
    enough = asyncio.Event()

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        outbox.is_database_away = len(waits) % 2 == 0
        if len(waits) == 5:
            enough.set()
            await asyncio.Event().wait()

    relay = OutboxRelay(outbox, ShortenerMetrics(CollectorRegistry()), sleep=wait)
    running = asyncio.create_task(relay.run())
    async with asyncio.timeout(2):
        await enough.wait()
    running.cancel()
    assert waits == [INTERVAL_S] * 5
