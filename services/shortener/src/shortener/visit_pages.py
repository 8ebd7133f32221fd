"""Pages of visits, newest first: the counts tell in which hour a page begins, the index the rest.

However deep a page is, no more is read than it and what lies between it and the end of its hour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, func, select, true, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.click_id import first_id_at
from shared.day_statistics import Counts
from shared.db.schema import clicks
from shortener.active_links import ActiveLinks, active_links
from shortener.visit import Click
from shortener.visit_counts import Span, VisitCounts
from shortener.visit_query import VisitQuery, VisitRange
from shortener.visit_scope import VisitScope

MAX_COUNTED = 100_000
"""Clicks that are counted one by one at either end of a range that cuts an hour; the part of an
hour with more is estimated from its length."""

MAX_SEARCHED = 50_000
"""So many of the newest visits are looked through for what no count knows."""

_SECOND = timedelta(seconds=1)
# In the order of `Click`; the type as text, which is what the driver makes of it, since an enum's
# values would be looked up one by one.
_CLICK = (
    type_coerce(clicks.c.type, Text).label("type"),
    clicks.c.referer, clicks.c.clicked_at, clicks.c.user_agent, clicks.c.country,
    clicks.c.is_bot, clicks.c.visited_url, clicks.c.redirect_url,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class VisitPage:
    """Its clicks, and how many there are on all pages."""

    clicks: Sequence[Click]
    total: int


async def find_page(
    connection: AsyncConnection, scope: VisitScope, query: VisitQuery
) -> VisitPage:
    """Read a page, in the caller's snapshot."""
    counts = VisitCounts(connection, scope, query.range)
    reader = _Reader(connection, scope, query.range)
    spans = [await reader.cut(span) for span in await counts.spans()]
    total = sum(span.clicks(query.range.excludes_bots) for span in spans)
    if query.offset >= total:
        return VisitPage([], total)
    first, offset = await _locate(counts, spans, query.offset, query.range.excludes_bots)
    count = min(query.page_size, total - query.offset)
    last, _ = await _locate(counts, spans, query.offset + count - 1, query.range.excludes_bots)
    pending = await counts.pending_links() if scope.is_looked_up else ()
    active = await active_links(
        connection, scope, last.start, first.end, pending, excludes_bots=query.range.excludes_bots
    )
    return VisitPage(await reader.rows(last.start, first.end, offset, count, active), total)


async def search_page(
    connection: AsyncConnection,
    scope: VisitScope,
    query: VisitQuery,
    condition: ColumnElement[bool],
) -> VisitPage:
    """Read a page of those that meet a condition, among the newest `MAX_SEARCHED` of the scope."""
    counts = VisitCounts(connection, scope, query.range)
    spans = await counts.spans()
    if not spans:
        return VisitPage([], 0)
    total = sum(span.counts.clicks for span in spans)
    oldest, _ = await _locate(counts, spans, min(total, MAX_SEARCHED) - 1, False)
    reader = _Reader(connection, scope, query.range, condition)
    found = await reader.count(oldest.start, spans[0].end)
    rows = await reader.rows(oldest.start, spans[0].end, query.offset, query.page_size)
    return VisitPage(rows, found)


async def _locate(
    counts: VisitCounts, spans: Sequence[Span], offset: int, excludes_bots: bool
) -> tuple[Span, int]:
    """Return the hour that has the visit after so many others, and how many of it come before."""
    for span in spans:
        clicks_of_span = span.clicks(excludes_bots)
        if offset < clicks_of_span:
            if not span.is_day:
                return span, offset
            return await _locate(counts, await counts.hours_of(span), offset, excludes_bots)
        offset -= clicks_of_span
    return spans[-1], 0


class _Reader:
    """Rows of a scope within a range, between two moments."""

    def __init__(
        self,
        connection: AsyncConnection,
        scope: VisitScope,
        visit_range: VisitRange,
        condition: ColumnElement[bool] | None = None,
    ) -> None:
        self._connection = connection
        self._condition = scope.rows if condition is None else scope.rows & condition
        self._start = visit_range.start
        # To the second, inclusive.
        self._end = None if visit_range.end is None else visit_range.end + _SECOND
        self._excludes_bots = visit_range.excludes_bots

    async def cut(self, span: Span) -> Span:
        """Return what the range leaves of an hour, counted."""
        start = span.start if self._start is None else max(span.start, self._start)
        end = span.end if self._end is None else min(span.end, self._end)
        if (start, end) == (span.start, span.end) or not span.counts.clicks:
            return span
        counted, bots = await self._count(start, end, MAX_COUNTED)
        counts = Counts(counted, bots)
        if counted == MAX_COUNTED:
            share = (end - start) / (span.end - span.start)
            counts = Counts(round(span.counts.clicks * share), round(span.counts.bots * share))
        return Span(start, end, counts)

    async def count(self, start: datetime, end: datetime) -> int:
        """Count what the range leaves of few hours."""
        start = start if self._start is None else max(start, self._start)
        end = end if self._end is None else min(end, self._end)
        counted, bots = await self._count(start, end, None)
        return counted - (bots if self._excludes_bots else 0)

    async def _count(self, start: datetime, end: datetime, limit: int | None) -> tuple[int, int]:
        inner = (
            select(clicks.c.is_bot)
            .where(self._condition, *_between(start, end))
            .limit(limit)
            .subquery()
        )
        counting = select(func.count(), func.count().filter(inner.c.is_bot)).select_from(inner)
        counted, bots = (await self._connection.execute(counting)).one()
        return counted, bots

    async def rows(
        self,
        start: datetime,
        end: datetime,
        offset: int,
        limit: int,
        active: ActiveLinks | None = None,
    ) -> Sequence[Click]:
        """Read rows, newest first, after so many from the end; of `active` links if given."""
        start = start if self._start is None else max(start, self._start)
        end = end if self._end is None else min(end, self._end)
        conditions = (
            *_between(start, end),
            clicks.c.is_bot.is_(False) if self._excludes_bots else true(),
        )
        statement: Select[Any]
        if active is not None:
            statement = active.newest(_CLICK, *conditions)
        else:
            newest = clicks.c.id.desc()
            statement = select(*_CLICK).where(self._condition, *conditions).order_by(newest)
        page = statement.offset(offset).limit(limit)
        rows: Sequence[Any] = (await self._connection.execute(page)).all()
        return rows


def _between(start: datetime, end: datetime) -> tuple[Any, Any]:
    return clicks.c.id >= first_id_at(start), clicks.c.id < first_id_at(end)
