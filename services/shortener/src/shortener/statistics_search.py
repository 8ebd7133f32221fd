"""Statistics of a scope out of its days: nothing that is read grows with the number of clicks."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import false, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.day_statistics import DIMENSIONS, Counts, Dimension, Values, decode_day
from shared.db.schema import click_statistics
from shared.visitor_sketch import VisitorSketch
from shortener.statistics_query import StatisticsQuery
from shortener.transactions import read
from shortener.visit_scope import VisitScope
from shortener.visit_store import FindScope

FindScopes = Callable[[AsyncConnection], Awaitable[Sequence[VisitScope]]]

_NOON = timedelta(hours=12)
_FIRST_DAY = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Found:
    """What the statistics have of a scope within a range."""

    hours: Sequence[tuple[int, Counts]]
    """Hours of UTC since 1970, in no order; those of several scopes come one by one."""
    first_day: date
    last_day: date
    dimensions: Mapping[Dimension, Values]
    """From the first to the last day, added up."""
    visitors: Mapping[date, int]


def one_scope(find: FindScope) -> FindScopes:
    """Make what finds the one scope that is found."""

    async def find_one(connection: AsyncConnection) -> Sequence[VisitScope]:
        return [await find(connection)]

    return find_one


class StatisticsSearch:
    """Reads statistics; raises `DatabaseUnavailableError` when PostgreSQL is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="REPEATABLE READ")

    async def find(self, find: FindScopes, query: StatisticsQuery) -> Found:
        """Return what there is in the range; `find` finds the scopes, and may raise."""

        async def look(connection: AsyncConnection) -> Found:
            return await _find(connection, await find(connection), query)

        return await read(self._engine, look)


async def _find(
    connection: AsyncConnection, scopes: Sequence[VisitScope], query: StatisticsQuery
) -> Found:
    of = click_statistics.c
    # The same visitor may be in several of them, so only their sketches can be added.
    is_sum = len(scopes) != 1 or scopes[0].sums_links
    statement = select(of.day, of.statistics, of.visitors, *([of.sketch] if is_sum else [])).where(
        or_(false(), *[scope.statistics for scope in scopes]),
        of.day.between(query.start.astimezone(UTC).date(), query.end.astimezone(UTC).date()),
    )
    first_day, last_day = whole_days(query.start, query.end)
    hours: list[tuple[int, Counts]] = []
    total = [Values() for _ in DIMENSIONS]
    visitors: defaultdict[date, int] = defaultdict(int)
    sketches: defaultdict[date, VisitorSketch] = defaultdict(VisitorSketch)
    for day, data, estimate, *sketch in await connection.execute(statement):
        statistics = decode_day(data)
        midnight = (day - _FIRST_DAY).days * 24
        hours += [(midnight + hour, counts) for hour, counts in statistics.hours.items()]
        if first_day <= day <= last_day:
            for values, of_day in zip(total, statistics.dimensions, strict=False):
                values.merge(of_day)
            if is_sum:
                sketches[day].merge(VisitorSketch(*sketch))
            else:
                visitors[day] += estimate
    visitors.update({day: sketch.estimate() for day, sketch in sketches.items()})
    dimensions = dict(zip(DIMENSIONS, total, strict=True))
    return Found(hours, first_day, last_day, dimensions, visitors)


def whole_days(start: datetime, end: datetime) -> tuple[date, date]:
    """Return the days of UTC that stand for a range: those whose noon is in it, at least one.

    So a day of any time zone has one day, and two days that follow one another have two.
    """
    first = (start.astimezone(UTC) + _NOON - timedelta(microseconds=1)).date()
    last = (end.astimezone(UTC) - _NOON).date()
    if last < first:
        middle = (start + (end - start) / 2).astimezone(UTC).date()
        return middle, middle
    return first, last
