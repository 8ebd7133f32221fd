"""Daily partitions of `clicks`, made ahead of time and dropped whole when they are too old.

A day is a range of ids, since an id begins with its time. A partition is made as a table of its
own and attached, which other statements on `clicks` do not have to wait for; making it in place
would lock them all out.
"""

import asyncio
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import structlog
from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.click_id import first_id_at
from shared.db.errors import DATABASE_ERRORS

ADVISORY_LOCK = 0x71636B70  # "qckp"
LOCK_TIMEOUT_S = 3
INTERVAL_S = 3600.0
RETRY_S = 1.0

SHORT_HORIZON = timedelta(days=1)
"""Less than this ahead, and the health check says so."""

_NAME = re.compile(r"clicks_(\d{8})")
_DAY = timedelta(days=1)

_LIST = """
SELECT child.relname FROM pg_inherits
JOIN pg_class AS child ON child.oid = inhrelid
WHERE inhparent = 'clicks'::regclass
"""

_TODAY = "SELECT (now() AT TIME ZONE 'UTC')::date"

log = structlog.get_logger()


class ShortHorizonError(Exception):
    """Partitions end so soon that clicks may find none."""


def partition_name(day: date) -> str:
    """Return the name of the day's table."""
    return f"clicks_{day:%Y%m%d}"


def partition_day(name: str) -> date | None:
    """Return the day of a table; None for a table that was not made here."""
    match = _NAME.fullmatch(name)
    return datetime.strptime(match[1], "%Y%m%d").replace(tzinfo=UTC).date() if match else None


def statements_for(day: date) -> Iterator[str]:
    """Make the statements that give `clicks` the partition of a day (UTC)."""
    name = partition_name(day)
    first, beyond = first_id_at(_midnight(day)), first_id_at(_midnight(day + _DAY))
    # With the check ATTACH need not look at the rows; afterwards the bounds say the same.
    yield (
        f"CREATE TABLE {name} (LIKE clicks INCLUDING DEFAULTS, CONSTRAINT {name}_bounds"
        f" CHECK (id IS NOT NULL AND id >= '{first}' AND id < '{beyond}'))"
    )
    yield f"ALTER TABLE clicks ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{beyond}')"
    yield f"ALTER TABLE {name} DROP CONSTRAINT {name}_bounds"


def horizon(days: Iterable[date], now: datetime) -> timedelta:
    """Return for how long from `now` each moment has its partition."""
    known = set(days)
    day = now.date()
    while day in known:
        day += _DAY
    return max(timedelta(), _midnight(day) - now)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


class Partitions:
    """Keeps partitions from `days_behind` days ago to `days_ahead` days from today.

    With `retention_days` above 0, days that ended longer ago, by the clocks of worker and server
    alike, are dropped and not made. Several workers take turns by an advisory lock. Dropping does
    lock `clicks` for an instant; who stores or reads clicks waits behind it, so it waits
    `LOCK_TIMEOUT_S` at most itself and else tries again in the next round. Nothing that a visitor
    waits for reads clicks.
    """

    __slots__ = ("_ahead", "_behind", "_clock", "_engine", "_gauge", "_retention", "_sleep")

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        days_ahead: int,
        days_behind: int,
        retention_days: int,
        gauge: Gauge,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._ahead = timedelta(days=days_ahead)
        self._behind = timedelta(days=days_behind)
        self._retention = timedelta(days=retention_days) if retention_days else None
        self._gauge = gauge
        gauge.set(math.nan)  # nobody has looked, which is not the same as none: that is an alert
        self._clock = clock
        self._sleep = sleep

    async def ensure(self) -> None:
        """Make what is missing, then drop what is too old, if nobody is at it.

        Raises:
            sqlalchemy.exc.DBAPIError | OSError | TimeoutError: wanted days may be missing.
        """
        today = self._clock().date()
        first = today - self._behind
        if self._retention is not None:
            first = max(first, today - self._retention)
        wanted = {first + _DAY * n for n in range((today + self._ahead - first).days + 1)}
        async with self._turn() as connection:
            existing = await self._days(connection)
            for day in sorted(wanted - existing):
                for statement in statements_for(day):
                    await connection.execute(text(statement))
                log.info("partition_created", name=partition_name(day))
            # What is dropped is gone, so one clock that has jumped ahead must not be enough.
            today = min(today, (await connection.execute(text(_TODAY))).scalar_one())
        self._gauge.set(horizon(wanted | existing, self._clock()).total_seconds())
        if self._retention is not None:
            await self._drop_all(day for day in sorted(existing) if day < today - self._retention)

    async def ensure_until_done(self) -> None:
        """Try `ensure` until it succeeds, which also says that the database answers."""
        while not await self._succeeded():
            await self._sleep(RETRY_S)

    async def keep(self) -> None:
        """Ensure the partitions every hour, for ever; sooner after a failure."""
        while True:
            await self._sleep(INTERVAL_S)
            await self.ensure_until_done()

    async def probe(self) -> dict[str, Any]:
        """Tell the health check how far ahead partitions reach.

        Raises:
            ShortHorizonError: not far enough.
        """
        async with self._engine.connect() as connection:
            ahead = horizon(await self._days(connection), self._clock())
        self._gauge.set(ahead.total_seconds())
        if ahead < SHORT_HORIZON:
            raise ShortHorizonError(f"clicks have partitions for the next {ahead} only")
        return {"days_ahead": round(ahead / _DAY, 1)}

    async def _succeeded(self) -> bool:
        try:
            await self.ensure()
        except Exception as error:  # tried again, whatever it was
            log.warning("partitions_not_ensured", reason=repr(error))
            return False
        return True

    async def _drop_all(self, days: Iterable[date]) -> None:
        for day in days:
            try:
                await self._drop(day)
            except DATABASE_ERRORS as error:
                # A backup may read the table for hours. Clicks are stored meanwhile, so this is
                # neither tried every second nor waited for by who wants to store them.
                log.warning("partition_not_dropped", name=partition_name(day), reason=repr(error))
                return

    async def _drop(self, day: date) -> None:
        async with self._turn() as connection:
            await connection.execute(text(f"DROP TABLE IF EXISTS {partition_name(day)}"))
        log.info("partition_dropped", name=partition_name(day))

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.begin() as connection:
            await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"))
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
            yield connection

    async def _days(self, connection: AsyncConnection) -> set[date]:
        names = (await connection.execute(text(_LIST))).scalars()
        return {day for name in names if (day := partition_day(name)) is not None}
