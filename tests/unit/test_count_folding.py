"""How much of the time the folding of counts takes."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.metrics import ShortenerMetrics
from shortener.count_folding import INTERVAL_S, MAX_REST_S, CountFolding
from tests.support.clock import FakeClock

Step = tuple[float, bool]
"""The seconds it takes, and whether it leaves something."""


class Steps(CountFolding):
    """Takes steps that are given, and notes the rests between them."""

    def __init__(self, steps: list[Step]) -> None:
        self.rests: list[float] = []
        self._steps: Iterator[Step] = iter(steps)
        self._count = len(steps)
        self._time = FakeClock(0)
        metrics = ShortenerMetrics(CollectorRegistry())
        engine = cast(AsyncEngine, None)
        super().__init__(engine, metrics, share=0.1, clock=self._time, sleep=self._rest)

    async def step(self) -> bool:
        """Take the next one."""
        spent_s, is_more = next(self._steps)
        self._time.advance(spent_s)
        return is_more

    async def _rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        if len(self.rests) == self._count:
            raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("step", "rest_s"),
    [
        ((0.02, True), 0.18),
        ((0.1, False), 0.9),
        ((0.001, True), 0.009),
        ((0.001, False), INTERVAL_S),
        ((3600.0, True), MAX_REST_S),
    ],
    ids=["more is left", "nothing is left", "little, and more is left", "idle", "an hour of it"],
)
async def test_it_rests_until_it_took_its_share(step: Any, rest_s: float) -> None:
    """At a share of a tenth nine times as long as it worked; half a second when all is done."""
    folding = Steps([step, step])
    with pytest.raises(asyncio.CancelledError):
        await folding.run()
    assert folding.rests == [pytest.approx(rest_s)] * 2
