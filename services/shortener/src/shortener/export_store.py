"""All visits of a scope, or all links, in chunks by key, newest first.

Each chunk is a read of its own, so an export of hours holds neither a connection nor a snapshot;
what is stored meanwhile may be in it or not.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, RowMapping, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.click_id import first_id_at
from shared.db.schema import clicks, links
from shortener.api_keys import ApiKey
from shortener.stored_link import SELECT_STORED, StoredLink, stored_link
from shortener.transactions import read
from shortener.visit_counts import Span, VisitCounts
from shortener.visit_query import VisitRange
from shortener.visit_scope import VisitScope, visible_links
from shortener.visit_store import FindScope

CHUNK = 2_000

_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)
_VISIT_COLUMNS = (
    clicks.c.id, clicks.c.clicked_at, clicks.c.type, clicks.c.domain, clicks.c.short_code,
    clicks.c.is_bot, clicks.c.referer, clicks.c.user_agent, clicks.c.browser,
    clicks.c.operating_system, clicks.c.device, clicks.c.visited_url, clicks.c.redirect_url,
    clicks.c.country,
)  # fmt: skip


class ExportStore:
    """Reads everything, a chunk at a time; raises `DatabaseUnavailableError` as it comes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="REPEATABLE READ")

    async def visits(
        self, find: FindScope, visit_range: VisitRange
    ) -> AsyncIterator[Sequence[RowMapping]]:
        """Yield the visits; `find` may raise before the first of them."""

        async def look(connection: AsyncConnection) -> tuple[VisitScope, list[Span]]:
            scope = await find(connection)
            return scope, await VisitCounts(connection, scope, visit_range).spans()

        scope, spans = await read(self._engine, look)
        statement = select(*_VISIT_COLUMNS).where(scope.rows)
        if visit_range.excludes_bots:
            statement = statement.where(clicks.c.is_bot.is_(False))
        for start, end in _windows(spans, visit_range):
            before = first_id_at(end)
            while rows := await self._visits(statement, first_id_at(start), before):
                yield rows
                if len(rows) < CHUNK:
                    break
                before = rows[-1]["id"]

    async def _visits(
        self, statement: Select[Any], first: UUID, before: UUID
    ) -> Sequence[RowMapping]:
        chunk = (
            statement.where(clicks.c.id >= first, clicks.c.id < before)
            .order_by(clicks.c.id.desc())
            .limit(CHUNK)
        )
        result: CursorResult[Any] = await read(self._engine, lambda on: on.execute(chunk))
        return result.mappings().all()

    async def links(self, api_key: ApiKey) -> AsyncIterator[Sequence[StoredLink]]:
        """Yield all links that the key may see."""
        ordered = (
            SELECT_STORED.where(*visible_links(api_key)).order_by(links.c.id.desc()).limit(CHUNK)
        )
        statement = ordered
        while found := [stored_link(row) for row in await self._links(statement)]:
            yield found
            statement = ordered.where(links.c.id < found[-1].id)

    async def _links(self, statement: Select[Any]) -> Sequence[Any]:
        result: CursorResult[Any] = await read(self._engine, lambda on: on.execute(statement))
        return result.all()


def _windows(
    spans: Sequence[Span], visit_range: VisitRange
) -> Iterator[tuple[datetime, datetime]]:
    """Yield stretches of time with some chunks each, newest first.

    A scope of many links is sorted anew for each chunk of a stretch, so those must not be long.
    """
    start = end = None
    clicks_of_window = 0
    for span in _parts(spans):
        if end is None:
            end = span.end
        start = span.start
        clicks_of_window += span.counts.clicks
        if clicks_of_window >= CHUNK:
            yield _cut(start, end, visit_range)
            end, clicks_of_window = None, 0
    if start is not None and end is not None:
        yield _cut(start, end, visit_range)


def _parts(spans: Sequence[Span]) -> Iterator[Span]:
    for span in spans:
        if not span.is_day or span.counts.clicks < CHUNK:
            yield span
            continue
        end = span.end
        while end > span.start:
            yield Span(end - _HOUR, end, span.counts)
            end -= _HOUR


def _cut(start: datetime, end: datetime, visit_range: VisitRange) -> tuple[datetime, datetime]:
    if visit_range.start is not None:
        start = max(start, visit_range.start)
    if visit_range.end is not None:
        end = min(end, visit_range.end + _SECOND)
    return start, end
