"""What the publisher makes of confirms, in whichever order a broker sends them.

A real RabbitMQ cannot be made to confirm a later message first, so here the test is the broker.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from aio_pika.abc import AbstractExchange, AbstractMessage
from prometheus_client import CollectorRegistry

from redirector.adopted_spools import UNUSABLE_FOR_S, AdoptedSpools
from redirector.click_publisher import MAX_IN_FLIGHT, ClickPublisher
from redirector.spool import ClickSpool
from redirector.spool_folder import Position, SpoolFolder
from shared import broker
from shared.metrics import RedirectorMetrics
from shared.settings import Secret
from tests.support.clock import FakeClock

DEADLINE_S = 5
CLICKS_EACH = 5
LINE = b'{"n":1}\n'


class Exchange:
    """Takes messages, and confirms each when the test says so."""

    def __init__(self) -> None:
        self.confirms: list[asyncio.Future[None]] = []
        self.mandatory: list[bool] = []

    async def publish(self, message: AbstractMessage, _: str, *, mandatory: bool) -> None:
        """Wait for the test."""
        self.mandatory.append(mandatory)
        self.confirms.append(asyncio.get_running_loop().create_future())
        await self.confirms[-1]


class Publishing:
    """A spool with `messages` full messages, and a publisher that pumps them into an exchange."""

    def __init__(self, root: Path, messages: int) -> None:
        self.registry = CollectorRegistry()
        metrics = RedirectorMetrics(self.registry)
        self.folder = SpoolFolder.plan(root)
        self.spool = ClickSpool(self.folder, segment_bytes=10**6, max_bytes=10**6, metrics=metrics)
        self.spool.append_all([LINE] * CLICKS_EACH * messages)
        self.exchange = Exchange()
        self.clock = FakeClock()
        self.adopted = AdoptedSpools(root, metrics=metrics, clock=self.clock)
        self.publisher = ClickPublisher(
            url=Secret("amqp://nobody/"), name="tests", spool=self.spool,
            adopted=self.adopted, max_clicks=CLICKS_EACH, linger_s=0, timeout_s=DEADLINE_S,
            metrics=metrics,
        )  # fmt: skip

    @asynccontextmanager
    async def pumping(self) -> AsyncIterator["asyncio.Task[None]"]:
        """Pump while the block runs, as over one connection."""

        async def pump() -> None:
            async with asyncio.TaskGroup() as tasks:
                await self.publisher._pump(cast(AbstractExchange, self.exchange), tasks)

        pumping = asyncio.create_task(pump())
        try:
            await settle()
            yield pumping
        finally:
            pumping.cancel()
            await asyncio.wait({pumping})

    @asynccontextmanager
    async def adopting(self) -> AsyncIterator[None]:
        """Pump likewise, once what dead processes left is adopted, sent and confirmed."""
        self.adopted.adopt()
        async with self.pumping() as pumping:
            await self.confirm_all()
            assert not pumping.done()
            yield

    async def confirm_all(self) -> None:
        """Confirm everything, until nothing more is sent."""
        while waiting := [each for each in self.exchange.confirms if not each.done()]:
            for confirm in waiting:
                confirm.set_result(None)
            await settle()

    @property
    def unusable(self) -> float | None:
        """How many spools are shown as unusable."""
        return self.registry.get_sample_value("qck_spools_unusable")

    @property
    def checkpoint(self) -> int:
        """How many clicks are confirmed, by what is on disk."""
        return self.folder.read_checkpoint().sequence


def leave_spool(root: Path) -> Path:
    """Leave a folder with clicks, as a dead process does."""
    folder = SpoolFolder.plan(root)
    folder.make()
    folder.segment_path(0).write_bytes(LINE * CLICKS_EACH)
    folder.close()
    return folder.path


def names(root: Path) -> set[str]:
    """List the folders."""
    return {path.name for path in root.iterdir()}


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_the_checkpoint_waits_for_the_confirm(tmp_path: Path) -> None:
    """What was sent and is not confirmed is not checkpointed; each confirm moves it on."""
    publishing = Publishing(tmp_path, 2)
    async with publishing.pumping():
        assert len(publishing.exchange.confirms) == 2
        assert publishing.checkpoint == 0
        publishing.exchange.confirms[0].set_result(None)
        await settle()
        assert publishing.checkpoint == CLICKS_EACH
        publishing.exchange.confirms[1].set_result(None)
        await settle()
        assert publishing.checkpoint == 2 * CLICKS_EACH


async def test_a_later_confirm_moves_nothing(tmp_path: Path) -> None:
    """The checkpoint does not jump over a message whose confirm is still to come."""
    publishing = Publishing(tmp_path, 3)
    async with publishing.pumping():
        publishing.exchange.confirms[1].set_result(None)
        publishing.exchange.confirms[2].set_result(None)
        await settle()
        assert publishing.checkpoint == 0
        publishing.exchange.confirms[0].set_result(None)
        await settle()
        assert publishing.checkpoint == 3 * CLICKS_EACH


@pytest.mark.parametrize("failed", [0, 1], ids=["the first", "the second"])
async def test_a_failure_stops_at_the_message_before(tmp_path: Path, failed: int) -> None:
    """A message that was not taken is not confirmed by those around it that were."""
    publishing = Publishing(tmp_path, 3)
    async with publishing.pumping() as pumping:
        publishing.exchange.confirms[2].set_result(None)
        publishing.exchange.confirms[1 - failed].set_result(None)
        await settle()
        publishing.exchange.confirms[failed].set_exception(ConnectionError("nack"))
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.wait({pumping})
    assert isinstance(pumping.exception(), ExceptionGroup)
    assert publishing.checkpoint == failed * CLICKS_EACH
    publishing.spool.reader.rewind()
    again = publishing.spool.reader.read(100)
    assert again is not None
    assert (again.first_sequence, again.count) == (
        failed * CLICKS_EACH,
        (3 - failed) * CLICKS_EACH,
    )


async def test_few_messages_are_in_flight(tmp_path: Path) -> None:
    """However much is in the spool, what has to be sent again after a failure is bounded."""
    publishing = Publishing(tmp_path, 3 * MAX_IN_FLIGHT)
    async with publishing.pumping():
        assert len(publishing.exchange.confirms) == MAX_IN_FLIGHT
        publishing.exchange.confirms[0].set_result(None)
        await settle()
        assert len(publishing.exchange.confirms) == MAX_IN_FLIGHT + 1
        assert all(publishing.exchange.mandatory)


async def test_draining_waits_for_what_is_in_flight(tmp_path: Path) -> None:
    """A redirector that is told to stop ends when clicks and mark are confirmed, not before."""
    publishing = Publishing(tmp_path, 1)
    async with publishing.pumping() as pumping:
        publishing.publisher.drain()
        await settle()
        assert not pumping.done()
        publishing.exchange.confirms[0].set_result(None)
        await settle()
        assert not pumping.done()
        publishing.exchange.confirms[1].set_result(None)
        async with asyncio.timeout(DEADLINE_S):
            await pumping
    assert publishing.folder.read_checkpoint() == Position(0, len(LINE) * CLICKS_EACH, CLICKS_EACH)


async def test_what_cannot_be_used_holds_nobody_up(tmp_path: Path) -> None:
    """Spools that cannot be locked, or not be read, are left and shown; all others are sent."""
    unlockable, unreadable, good = (leave_spool(tmp_path) for _ in range(3))
    (unlockable / "lock").unlink()
    (unlockable / "lock").mkdir()
    (unreadable / f"{CLICKS_EACH:020d}.clicks").mkdir()
    publishing = Publishing(tmp_path, 1)
    async with publishing.adopting():
        assert publishing.checkpoint == CLICKS_EACH
    assert names(tmp_path) == {unlockable.name, unreadable.name, publishing.folder.source}
    assert not good.exists()
    assert publishing.unusable == 2
    (left,) = SpoolFolder.adopt(tmp_path)
    assert left.source == unreadable.name
    assert left.read_checkpoint().sequence == CLICKS_EACH
    left.close()


async def test_what_could_not_be_used_is_tried_again(tmp_path: Path) -> None:
    """A mended spool is sent; not at once, as a broken disk would hold everybody up each time."""
    spool = leave_spool(tmp_path)
    segment = spool / f"{0:020d}.clicks"
    segment.unlink()
    segment.mkdir()
    publishing = Publishing(tmp_path, 0)
    async with publishing.adopting():
        segment.rmdir()
        segment.write_bytes(LINE)
        publishing.adopted.adopt()
        await settle()
        assert publishing.unusable == 1
        assert publishing.exchange.confirms == []
        publishing.clock.advance(UNUSABLE_FOR_S)
        publishing.adopted.adopt()
        await settle()
        await publishing.confirm_all()
        assert publishing.unusable == 0
        assert not spool.exists()


async def test_a_spool_that_cannot_be_removed_holds_nobody_up(tmp_path: Path) -> None:
    """What is sent and cannot be deleted is left and shown, until it is gone."""
    spool = leave_spool(tmp_path)
    (spool / "not ours").mkdir()
    publishing = Publishing(tmp_path, 1)
    async with publishing.adopting():
        assert publishing.checkpoint == CLICKS_EACH
        assert publishing.unusable == 1
        shutil.rmtree(spool)
        publishing.adopted.adopt()
        assert publishing.unusable == 0


async def test_a_connection_that_fails_while_it_is_cancelled_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who stops publishing in the moment in which the broker refuses has stopped it."""

    async def connect(*_: object, **__: object) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionError("refused") from None

    monkeypatch.setattr(broker, "connect", connect)
    running = asyncio.create_task(Publishing(tmp_path, 1).publisher.run())
    await settle()
    running.cancel()
    await asyncio.wait({running}, timeout=DEADLINE_S)
    assert running.cancelled()
