"""What the consumer does between subscriptions."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType

import pytest
import structlog

from click_ingest.consumer import Consumer, NotConsumingError
from click_ingest.flush import HeldTooLongError
from click_ingest.message import Delivery
from click_ingest.poison_guard import PoisonLimitExceededError
from shared.background import background_tasks
from tests.support.clicks import a_click, a_message

DEADLINE_S = 5


class FakeSubscription:
    """Delivers prepared batches, then waits to be ended; notes what happens to it."""

    def __init__(
        self,
        batches: Sequence[Sequence[Delivery]] = (),
        *,
        lost_with: BaseException | None = None,
    ) -> None:
        self.batches = list(batches)
        self.acknowledged = 0
        self.lost_with = lost_with
        self.is_open = False
        self.ended = asyncio.Event()
        self.idle = asyncio.Event()

    async def __aenter__(self) -> "FakeSubscription":
        self.is_open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.is_open = False

    async def next_batch(self) -> Sequence[Delivery]:
        """Deliver the next one."""
        if self.batches:
            return self.batches.pop(0)
        if self.lost_with is not None:
            raise self.lost_with
        self.idle.set()
        await self.ended.wait()
        return []

    async def acknowledge(self) -> None:
        """Count."""
        self.acknowledged += 1

    def end(self) -> None:
        """Let `next_batch` return."""
        self.ended.set()


async def until_idle(subscription: FakeSubscription) -> None:
    """Wait until the consumer waits for a batch that does not come."""
    async with asyncio.timeout(DEADLINE_S):
        await subscription.idle.wait()


class Flush:
    """Notes what is flushed; raises what is put into `failures`."""

    def __init__(self) -> None:
        self.flushed: list[Sequence[Delivery]] = []
        self.failures: list[Exception] = []

    async def __call__(self, batch: Sequence[Delivery]) -> None:
        """Flush, or not."""
        if self.failures:
            raise self.failures.pop(0)
        self.flushed.append(batch)


async def ready_at_once() -> None:
    """Be ready."""


def a_consumer(
    subscriptions: Sequence[FakeSubscription],
    flush: Callable[[Sequence[Delivery]], Awaitable[None]] | None = None,
) -> Consumer:
    """Make a consumer that gets these subscriptions, one after the other."""
    remaining = list(subscriptions)
    return Consumer(
        subscribe=lambda: remaining.pop(0),
        flush=flush or Flush(),
        until_ready=ready_at_once,
    )


BATCH = [a_message([a_click()])]


async def test_batches_are_acknowledged_once_they_are_flushed() -> None:
    """Each batch is flushed, then acknowledged, then the next one is asked for."""
    subscription = FakeSubscription([BATCH, BATCH])
    acknowledged_at_flush = []

    async def flush(_: Sequence[Delivery]) -> None:
        acknowledged_at_flush.append(subscription.acknowledged)

    consumer = a_consumer([subscription], flush)
    async with background_tasks() as tasks:
        running = tasks.create_task(consumer.run())
        await until_idle(subscription)
        assert await consumer.broker_probe() == {"standing": "consuming"}
        consumer.drain()
        await running
    assert acknowledged_at_flush == [0, 1]
    assert subscription.acknowledged == 2
    assert not subscription.is_open


async def test_a_failed_flush_is_not_acknowledged() -> None:
    """The subscription is closed instead, which hands the messages back, and opened again."""
    flush = Flush()
    flush.failures = [RuntimeError("bug")]
    first, second = FakeSubscription([BATCH]), FakeSubscription([BATCH])
    consumer = a_consumer([first, second], flush)
    async with background_tasks() as tasks:
        running = tasks.create_task(consumer.run())
        await until_idle(second)
        consumer.drain()
        await running
    assert (first.acknowledged, first.is_open) == (0, False)
    assert second.acknowledged == 1


@pytest.mark.parametrize(
    "error", [ConnectionError("gone"), asyncio.CancelledError("by the client library")], ids=repr
)
async def test_a_lost_subscription_is_opened_again(error: BaseException) -> None:
    """Losing the broker interrupts and does not end consuming, in whatever way it shows."""
    first, second = FakeSubscription(lost_with=error), FakeSubscription([BATCH])
    consumer = a_consumer([first, second])
    async with background_tasks() as tasks:
        running = tasks.create_task(consumer.run())
        await until_idle(second)
        consumer.drain()
        await running
    assert second.acknowledged == 1


async def test_a_broker_that_is_away_is_asked_ever_more_rarely(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each attempt that fails, the first too, doubles the wait up to a bound; one that does not
    takes it back."""
    first, second = FakeSubscription(lost_with=ConnectionError("gone")), FakeSubscription()
    attempts = [*[None] * 5, first, None, second]
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def subscribe() -> FakeSubscription:
        if (subscription := attempts.pop(0)) is None:
            raise ConnectionError("refused")
        return subscription

    monkeypatch.setattr(asyncio, "sleep", sleep)
    consumer = Consumer(subscribe=subscribe, flush=Flush(), until_ready=ready_at_once)
    async with background_tasks() as tasks:
        running = tasks.create_task(consumer.run())
        await until_idle(second)
        consumer.drain()
        await running
    assert waits == pytest.approx([0.2, 0.4, 0.8, 1.6, 2.0, 0.2, 0.4])


async def test_a_cancelled_consumer_ends_and_closes() -> None:
    """Cancelled from outside it leaves its subscription, acknowledging nothing more."""
    subscription = FakeSubscription([BATCH])
    is_flushing = asyncio.Event()

    async def flush(_: Sequence[Delivery]) -> None:
        is_flushing.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(a_consumer([subscription], flush).run())
    await is_flushing.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (subscription.acknowledged, subscription.is_open) == (0, False)


async def test_too_much_poison_ends_consuming_and_says_so() -> None:
    """Nothing is acknowledged, nothing is opened again, and the health check has the reason."""
    flush = Flush()
    flush.failures = [PoisonLimitExceededError("101 of the last 200 clicks are poison")]
    subscription = FakeSubscription([BATCH])
    consumer = a_consumer([subscription], flush)
    await consumer.poison_probe()
    async with asyncio.timeout(DEADLINE_S):
        await consumer.run()
    assert (subscription.acknowledged, subscription.is_open) == (0, False)
    with pytest.raises(NotConsumingError, match="101 of the last 200"):
        await consumer.poison_probe()
    with pytest.raises(NotConsumingError, match="stopped"):
        await consumer.broker_probe()
    consumer.drain()


async def test_messages_held_too_long_go_back_until_the_database_answers() -> None:
    """The log says why, the subscription is closed, and the next one waits for the database."""
    flush = Flush()
    flush.failures = [HeldTooLongError("dead letters are not taken")]
    first, second = FakeSubscription([BATCH]), FakeSubscription([BATCH])
    remaining = [first, second]
    asked: list[str] = []
    answers = asyncio.Event()
    is_waiting = asyncio.Event()

    async def until_ready() -> None:
        asked.append("start" if first in remaining else "again")
        if len(asked) > 1:
            is_waiting.set()
            await answers.wait()

    consumer = Consumer(subscribe=lambda: remaining.pop(0), flush=flush, until_ready=until_ready)
    async with background_tasks() as tasks:
        with structlog.testing.capture_logs() as logs:
            running = tasks.create_task(consumer.run())
            async with asyncio.timeout(DEADLINE_S):
                await is_waiting.wait()
        (said,) = [log for log in logs if log["event"] == "messages_handed_back"]
        assert said["reason"] == "dead letters are not taken"
        assert (first.acknowledged, first.is_open) == (0, False)
        with pytest.raises(NotConsumingError, match="waiting for the database"):
            await consumer.broker_probe()
        answers.set()
        await until_idle(second)
        consumer.drain()
        await running
    assert asked == ["start", "again"]
    assert second.acknowledged == 1


@pytest.mark.parametrize("is_away", ["database", "broker"])
async def test_draining_does_not_wait_for_what_is_away(is_away: str) -> None:
    """A worker that is told to stop while something is missing stops at once."""

    async def never() -> None:
        await asyncio.Event().wait()

    lost = [FakeSubscription(lost_with=ConnectionError()) for _ in range(100)]
    consumer = Consumer(
        subscribe=lambda: lost.pop(),
        flush=Flush(),
        until_ready=never if is_away == "database" else ready_at_once,
    )
    async with asyncio.timeout(DEADLINE_S), background_tasks() as tasks:
        running = tasks.create_task(consumer.run())
        while consumer.standing == "not started" or len(lost) == 100 - (is_away == "database"):
            await asyncio.sleep(0)
        consumer.drain()
        await running
    assert consumer.standing == "drained"
