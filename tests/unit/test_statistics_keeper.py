"""How much of the time statistics take."""

import asyncio
from typing import NoReturn, cast

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.statistics_keeper import IDLE_S, RETRY_S, StatisticsKeeper
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


async def test_it_rests_until_it_took_its_share() -> None:
    """A step of a tenth of a second at a share of a tenth is followed by nine; none by idling."""
    rests, clock = Rests(3), FakeClock()
    metrics = IngestMetrics(CollectorRegistry())
    steps = iter((True, True, False))

    class Stepping(StatisticsKeeper):
        async def step(self) -> bool:
            clock.advance(0.1)
            return next(steps)

    keeper = Stepping(
        cast(AsyncEngine, Engine()), metrics, share=0.1, clock=clock, sleep=rests.sleep
    )
    with pytest.raises(asyncio.CancelledError):
        await keeper.keep()
    assert rests.seconds == [pytest.approx(0.9), pytest.approx(0.9), IDLE_S]
