"""Keeping the statistics up behind the clicks, in a set share of the time, never in their way."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.driver_connection import driver_connection
from click_ingest.statistics_fold import StatisticsFold
from click_ingest.statistics_store import is_our_turn
from click_ingest.tag_statistics import renew_tags
from shared.db.errors import DATABASE_ERRORS
from shared.metrics import IngestMetrics

IDLE_S = 0.25
"""Between looks when there is nothing to do."""
RETRY_S = 2.0
MAX_REST_S = 60.0
"""Also after a step that took long because the machine or the disk stood still."""

_LAG = """
SELECT extract(epoch FROM clock_timestamp() - created_at)::float8
FROM click_deltas ORDER BY id LIMIT 1
"""

log = structlog.get_logger()


class StatisticsKeeper:
    """Folds deltas step by step; of several workers one at a time, by an advisory lock.

    A step is one short transaction. After each it rests until its work was at most `share` of
    the time, for `MAX_REST_S` at most, so a backlog makes statistics late
    (`qck_statistics_lag_seconds`) and nothing else.
    """

    __slots__ = ("_clock", "_engine", "_fold", "_metrics", "_share", "_sleep")

    def __init__(
        self,
        engine: AsyncEngine,
        metrics: IngestMetrics,
        *,
        share: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._metrics = metrics
        self._share = share
        self._clock = clock
        self._sleep = sleep
        self._fold = StatisticsFold()

    async def keep(self) -> None:
        """Go on for ever; what fails is tried again."""
        while True:
            began = self._clock()
            try:
                did_something = await self.step()
            except DATABASE_ERRORS as error:
                log.warning("statistics_not_folded", reason=repr(error))
                await self._sleep(RETRY_S)
                continue
            spent_s = self._clock() - began
            rest_s = min(spent_s * (1 - self._share) / self._share, MAX_REST_S)
            await self._sleep(rest_s if did_something else IDLE_S)

    async def step(self) -> bool:
        """Do a little, if there is anything and it is our turn; tell whether something was done.

        Raises:
            Exception: nothing was done, or nobody knows; the next step does what is left.
        """
        async with driver_connection(self._engine) as connection:
            lag_s = await connection.fetchval(_LAG)
            self._metrics.statistics_lag.set(lag_s or 0.0)
            async with connection.transaction():
                if not await is_our_turn(connection):
                    return False
                with self._metrics.statistics_step_duration.time():
                    folded = await self._fold.step(connection)
                    renewed = await renew_tags(connection)
        self._metrics.statistics_clicks.inc(folded.clicks)
        self._metrics.statistics_cropped.inc(folded.cropped + renewed.cropped)
        return bool(folded.deltas or renewed.marks or renewed.days)
