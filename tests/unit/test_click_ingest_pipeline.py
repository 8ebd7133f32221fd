"""Batches in the works at once: who is acknowledged when, and what a failure leaves behind."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from click_ingest.message import Delivery
from click_ingest.pipeline import flush_all
from tests.support.clicks import Delivered, a_message

DEADLINE_S = 5


class Pipeline:
    """Batches and their flushes, each of which ends when the test says so."""

    def __init__(self, batches: int) -> None:
        self.batches: list[list[Delivered]] = [[a_message()] for _ in range(batches)]
        self.flushes: list[asyncio.Future[None]] = [asyncio.Future() for _ in self.batches]
        self.asked = 0
        self.begun: list[int] = []
        self.broken_off: list[int] = []
        self.acknowledged = 0
        self.acknowledge_fails = False
        self.is_lost_in_the_end = False

    async def next_batch(self) -> Sequence[Delivery]:
        """Deliver the next one; in the end none."""
        self.asked += 1
        if self.asked <= len(self.batches):
            return self.batches[self.asked - 1]
        if self.is_lost_in_the_end:
            raise ConnectionError("the consumer is cancelled")
        return []

    async def acknowledge(self) -> None:
        """Count, unless the broker is lost."""
        if self.acknowledge_fails:
            raise ConnectionError("the channel is closed")
        self.acknowledged += 1

    async def flush(self, batch: Sequence[Delivery]) -> None:
        """Wait for the test."""
        number = next(each for each, known in enumerate(self.batches) if known is batch)
        self.begun.append(number)
        try:
            await self.flushes[number]
        except asyncio.CancelledError:
            self.broken_off.append(number)
            raise

    @asynccontextmanager
    async def running(self, max_in_flight: int = 2) -> AsyncIterator["asyncio.Task[None]"]:
        """Run the pipeline; when the block is left it has ended, and with it every task of its."""
        before = asyncio.all_tasks()
        task = asyncio.create_task(flush_all(self, self.flush, max_in_flight=max_in_flight))
        try:
            await settle()
            yield task
            async with asyncio.timeout(DEADLINE_S):
                await asyncio.wait({task})
        finally:
            task.cancel()
        assert asyncio.all_tasks() <= before


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_batch_that_is_ready_early_waits_for_its_turn() -> None:
    """Nothing is acknowledged while the first batch is not flushed, though the second one is."""
    pipeline = Pipeline(2)
    async with pipeline.running():
        assert pipeline.begun == [0, 1]
        pipeline.flushes[1].set_result(None)
        await settle()
        assert pipeline.acknowledged == 0
        pipeline.flushes[0].set_result(None)
    assert pipeline.acknowledged == 2


async def test_a_batch_is_acknowledged_when_it_is_flushed_and_not_before() -> None:
    """The first one does not wait for those behind it."""
    pipeline = Pipeline(2)
    async with pipeline.running():
        pipeline.flushes[0].set_result(None)
        await settle()
        assert pipeline.acknowledged == 1
        pipeline.flushes[1].set_result(None)
    assert pipeline.acknowledged == 2


@pytest.mark.parametrize("is_ready", [True, False], ids=["flushed already", "still flushing"])
async def test_a_failure_breaks_off_what_is_behind_it(is_ready: bool) -> None:
    """Of the batch behind a failed one nothing is acknowledged, whether it was flushed or not."""
    pipeline = Pipeline(3)
    async with pipeline.running() as task:
        if is_ready:
            pipeline.flushes[1].set_result(None)
            await settle()
        pipeline.flushes[0].set_exception(RuntimeError("bug"))
    with pytest.raises(RuntimeError, match="bug"):
        task.result()
    assert pipeline.acknowledged == 0
    assert pipeline.broken_off == ([] if is_ready else [1])
    assert pipeline.begun == [0, 1]


async def test_a_failure_waits_for_its_turn_too() -> None:
    """A batch before the failed one is flushed and acknowledged in peace."""
    pipeline = Pipeline(2)
    async with pipeline.running() as task:
        pipeline.flushes[1].set_exception(RuntimeError("bug"))
        await settle()
        assert not task.done()
        pipeline.flushes[0].set_result(None)
    with pytest.raises(RuntimeError, match="bug"):
        task.result()
    assert pipeline.acknowledged == 1


async def test_a_lost_acknowledgement_breaks_off_what_is_behind_it() -> None:
    """When the broker cannot be told of the first batch it is not told of the second one."""
    pipeline = Pipeline(2)
    pipeline.acknowledge_fails = True
    async with pipeline.running() as task:
        pipeline.flushes[0].set_result(None)
    with pytest.raises(ConnectionError):
        task.result()
    assert (pipeline.acknowledged, pipeline.broken_off) == (0, [1])


async def test_a_lost_subscription_breaks_off_what_is_in_the_works() -> None:
    """A batch whose messages will come again is not flushed to its end and acknowledged."""
    pipeline = Pipeline(1)
    pipeline.is_lost_in_the_end = True
    async with pipeline.running() as task:
        pass
    with pytest.raises(ConnectionError):
        task.result()
    assert (pipeline.acknowledged, pipeline.broken_off) == (0, [0])


@pytest.mark.parametrize("max_in_flight", [1, 2, 3])
async def test_a_batch_is_asked_for_when_there_is_room(max_in_flight: int) -> None:
    """What cannot be begun stays with the batcher, where it grows."""
    pipeline = Pipeline(5)
    async with pipeline.running(max_in_flight):
        for acknowledged, flush in enumerate(pipeline.flushes):
            in_flight = pipeline.asked - acknowledged
            assert in_flight == min(max_in_flight, 6 - acknowledged)
            flush.set_result(None)
            await settle()
    assert pipeline.acknowledged == 5


async def test_what_is_in_the_works_at_the_end_is_finished() -> None:
    """After the last batch it returns only when all of them are acknowledged."""
    pipeline = Pipeline(2)
    async with pipeline.running(max_in_flight=3) as task:
        assert pipeline.asked == 3
        assert not task.done()
        pipeline.flushes[0].set_result(None)
        await settle()
        assert not task.done()
        pipeline.flushes[1].set_result(None)
    task.result()
    assert pipeline.acknowledged == 2


async def test_without_batches_it_returns() -> None:
    """A subscription that ends at once is no work."""
    pipeline = Pipeline(0)
    async with pipeline.running() as task:
        pass
    task.result()
    assert (pipeline.asked, pipeline.acknowledged) == (1, 0)


async def test_cancelling_leaves_no_task() -> None:
    """Cancelled from outside, all flushes are broken off and nothing is acknowledged."""
    pipeline = Pipeline(3)
    async with pipeline.running() as task:
        task.cancel()
    assert task.cancelled()
    assert (pipeline.acknowledged, sorted(pipeline.broken_off)) == (0, [0, 1])
