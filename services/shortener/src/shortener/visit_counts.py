"""How many visits a scope has by hour or day, newest first, without counting any click.

Counts by hour of links and orphans are those that click-ingest writes with the clicks. What is too
many links is summed up by day in the statistics, which are a moment late: what is missing there is
in the deltas that wait to be folded, and is added here. All reads must be in one snapshot.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import BigInteger, any_, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.click_delta import HOUR_S, ORPHANS, ClickDelta, decode_delta
from shared.day_statistics import Counts, decode_day
from shared.db.schema import click_counts_hourly, click_deltas, click_statistics, links
from shortener.visit_query import VisitRange
from shortener.visit_scope import Condition, VisitScope, link_array

MAX_PENDING_DELTAS = 40
"""When more wait, statistics are late by many seconds; then newer clicks shift pages of tags,
domains and of all short URLs, as they do in any list by pages while it grows."""

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)

_PENDING = select(click_deltas.c.delta).order_by(click_deltas.c.id).limit(MAX_PENDING_DELTAS)


@dataclass(frozen=True, slots=True)
class Span:
    """Clicks of a stretch of time: an hour, a day, or what a date has left of an hour."""

    start: datetime
    end: datetime
    counts: Counts

    def clicks(self, excludes_bots: bool) -> int:
        """Return how many, with or without bots."""
        return self.counts.clicks - (self.counts.bots if excludes_bots else 0)

    @property
    def is_day(self) -> bool:
        """Tell whether it can be told apart by hours."""
        return self.end - self.start > _HOUR


class VisitCounts:
    """The counts of one scope within a range, in the caller's snapshot."""

    def __init__(
        self, connection: AsyncConnection, scope: VisitScope, visit_range: VisitRange
    ) -> None:
        self._connection = connection
        self._scope = scope
        self._range = visit_range
        self._pending: Mapping[datetime, Counts] | None = None
        self._pending_links: set[tuple[int, date]] = set()

    async def spans(self) -> list[Span]:
        """Return hours or days, newest first. Those that a date cuts are told apart by hours."""
        if (condition := self._scope.hours) is not None:
            return _of_hours(await self._hours(condition))
        days = await self._days()
        spans: list[Span] = []
        for day in sorted(days, reverse=True):
            start = _midnight(day)
            span = Span(start, start + _DAY, days[day])
            spans += await self.hours_of(span) if self._cuts(span) else [span]
        return [span for span in spans if self._touches(span)]

    async def hours_of(self, span: Span) -> list[Span]:
        """Return the hours of a day, newest first."""
        day = span.start.date()
        statement = select(click_statistics.c.statistics).where(
            self._scope.statistics, click_statistics.c.day == day
        )
        hours: defaultdict[datetime, Counts] = defaultdict(Counts)
        for (data,) in await self._connection.execute(statement):
            for hour, counts in decode_day(data).hours.items():
                hours[span.start + hour * _HOUR].add(counts.clicks, counts.bots)
        for moment, counts in (await self._waiting()).items():
            if moment.date() == day:
                hours[moment].add(counts.clicks, counts.bots)
        return [each for each in _of_hours(hours) if self._touches(each)]

    async def pending_links(self) -> Collection[tuple[int, date]]:
        """Return links of the scope and days with clicks that wait to be folded."""
        await self._waiting()
        return self._pending_links

    async def _hours(self, condition: Condition) -> Mapping[datetime, Counts]:
        of = click_counts_hourly.c
        statement = select(
            of.hour,
            cast(func.sum(of.clicks), BigInteger),
            cast(func.coalesce(func.sum(of.clicks).filter(of.is_bot), 0), BigInteger),
        ).where(condition)
        if self._range.start is not None:
            statement = statement.where(of.hour > self._range.start - _HOUR)
        if self._range.end is not None:
            statement = statement.where(of.hour <= self._range.end)
        rows = await self._connection.execute(statement.group_by(of.hour))
        return {hour.astimezone(UTC): Counts(clicks, bots) for hour, clicks, bots in rows}

    async def _days(self) -> Mapping[date, Counts]:
        of = click_statistics.c
        statement = select(
            of.day,
            cast(func.sum(of.clicks), BigInteger),
            cast(func.sum(of.bots), BigInteger),
        ).where(self._scope.statistics)
        if self._range.start is not None:
            statement = statement.where(of.day >= self._range.start.date())
        if self._range.end is not None:
            statement = statement.where(of.day <= self._range.end.date())
        days: defaultdict[date, Counts] = defaultdict(Counts)
        for day, clicks, bots in await self._connection.execute(statement.group_by(of.day)):
            days[day].add(clicks, bots)
        for moment, counts in (await self._waiting()).items():
            days[moment.date()].add(counts.clicks, counts.bots)
        return days

    async def _waiting(self) -> Mapping[datetime, Counts]:
        """Return by hour what waits to be folded; read once."""
        if self._pending is None:
            rows = await self._connection.execute(_PENDING)
            deltas = [decode_delta(data) for (data,) in rows]
            ours = await self._ours({link for delta in deltas for link in delta.links})
            hours: defaultdict[int, Counts] = defaultdict(Counts)
            for delta in deltas:
                _add(hours, delta, ours)
                self._pending_links |= _links_of(delta, ours)
            self._pending = {_moment(hour): counts for hour, counts in hours.items()}
        return self._pending

    async def _ours(self, link_ids: set[int]) -> set[int]:
        """Return which of the links are in the scope."""
        link_ids.discard(ORPHANS)
        if self._scope.links is None:
            return link_ids
        is_one_of_them = links.c.id == any_(link_array(link_ids))
        statement = select(links.c.id).where(is_one_of_them, self._scope.links)
        return set((await self._connection.execute(statement)).scalars())

    def _cuts(self, span: Span) -> bool:
        start, end = self._range.start, self._range.end
        return (start is not None and span.start < start) or (end is not None and end < span.end)

    def _touches(self, span: Span) -> bool:
        start, end = self._range.start, self._range.end
        return (start is None or start < span.end) and (end is None or span.start <= end)


def _of_hours(hours: Mapping[datetime, Counts]) -> list[Span]:
    return [Span(start, start + _HOUR, hours[start]) for start in sorted(hours, reverse=True)]


def _add(hours: defaultdict[int, Counts], delta: ClickDelta, ours: set[int]) -> None:
    columns: Sequence[Sequence[int]] = (delta.links, delta.hours, delta.source_numbers)
    for link, hour, source in zip(*columns, strict=True):
        if link in ours:
            is_bot = delta.sources[source].is_bot
            hours[delta.first_hour + hour].add(delta.sign, delta.sign * is_bot)


def _links_of(delta: ClickDelta, ours: set[int]) -> set[tuple[int, date]]:
    hours = {hour: delta.first_hour + hour for hour in set(delta.hours)}
    days = {hour: _moment(number).date() for hour, number in hours.items()}
    clicked = zip(delta.links, delta.hours, strict=True)
    return {(link, days[hour]) for link, hour in clicked if link in ours}


def _moment(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * HOUR_S, UTC)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
