"""How much of the time statistics take."""

import asyncio
from typing import NoReturn, cast

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.statistics_keeper import IDLE_S, MAX_REST_S, RETRY_S, StatisticsKeeper
from shared.metrics import IngestMetrics
from tests.support.clock import FakeClock


class Engine:
    """A pool that has no connection."""

    def connect(self) -> NoReturn:
        """Fail."""
        raise OSError("away")


class Rests:
    """Notes every rest, and ends the run after some."""

    def __init__(self, count: int) -> None:
        self.seconds: list[float] = []
        self._count = count

    async def sleep(self, seconds: float) -> None:
        """Note it."""
        self.seconds.append(seconds)
        if len(self.seconds) == self._count:
            raise asyncio.CancelledError


async def test_a_database_that_is_away_is_asked_again() -> None:
    """After a while, for ever."""
    rests = Rests(3)
    metrics = IngestMetrics(CollectorRegistry())
    keeper = StatisticsKeeper(cast(AsyncEngine, Engine()), metrics, share=0.1, sleep=rests.sleep)
    with pytest.raises(asyncio.CancelledError):
        await keeper.keep()
    assert rests.seconds == [RETRY_S] * 3


async def rests_after(*steps: tuple[float, bool]) -> list[float]:
    """Keep statistics at a share of a tenth; steps take seconds and do something or not."""
    rests, clock, left = Rests(len(steps)), FakeClock(), iter(steps)
    metrics = IngestMetrics(CollectorRegistry())

    class Stepping(StatisticsKeeper):
        async def step(self) -> bool:
            took_s, did_something = next(left)
            clock.advance(took_s)
            return did_something

    keeper = Stepping(
        cast(AsyncEngine, Engine()), metrics, share=0.1, clock=clock, sleep=rests.sleep
    )
    with pytest.raises(asyncio.CancelledError):
        await keeper.keep()
    return rests.seconds


async def test_it_rests_until_it_took_its_share() -> None:
    """A step of a tenth of a second at a share of a tenth is followed by nine; none by idling."""
    rests = await rests_after((0.1, True), (0.1, True), (0.1, False))
    assert rests == [pytest.approx(0.9), pytest.approx(0.9), IDLE_S]


async def test_a_step_that_was_held_up_is_followed_by_no_long_rest() -> None:
    """A minute at most, or one bad moment would make statistics late for a quarter of an hour."""
    assert await rests_after((30.0, True)) == [MAX_REST_S]
