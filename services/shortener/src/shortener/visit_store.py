"""Visits in PostgreSQL: each answer read in one snapshot, each deletion in short transactions."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.click_delta import ORPHANS
from shared.day_statistics import Counts
from shared.db.schema import click_counts_total, clicks
from shortener.api_keys import ApiKey
from shortener.transactions import read, write
from shortener.visit_counts import VisitCounts
from shortener.visit_deletion import delete_some
from shortener.visit_pages import VisitPage, find_page, search_page
from shortener.visit_query import VisitQuery, VisitRange
from shortener.visit_scope import VisitScope, non_orphan_scope, orphan_scope

T = TypeVar("T")
FindScope = Callable[[AsyncConnection], Awaitable[VisitScope]]

DELETION_LIMIT_S = 20.0
"""Shorter than anybody waits for an answer of the API."""

_COUNTS = click_counts_total.c
_SUM = func.sum(_COUNTS.clicks)
_ORPHANS = select(
    cast(func.coalesce(_SUM, 0), BigInteger),
    cast(func.coalesce(_SUM.filter(_COUNTS.is_bot), 0), BigInteger),
).where(_COUNTS.link_id == ORPHANS)


class DeletionUnfinishedError(Exception):
    """There were more clicks than could be deleted in time; `deleted` of them are."""

    def __init__(self, deleted: int) -> None:
        super().__init__(f"{deleted:,} visits were deleted so far; ask again for the rest.")
        self.deleted = deleted


class VisitStore:
    """All reads and deletions of clicks.

    Raises `DatabaseUnavailableError` when PostgreSQL is away. `find` finds the scope within the
    same snapshot; what it raises is passed on.
    """

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        # One snapshot for all that one answer needs.
        self._reading_engine = engine.execution_options(isolation_level="REPEATABLE READ")
        self._clock = clock

    async def page(self, find: FindScope, query: VisitQuery) -> VisitPage:
        """Return a page of the scope's visits."""

        async def look(connection: AsyncConnection) -> VisitPage:
            return await find_page(connection, await find(connection), query)

        return await read(self._reading_engine, look)

    async def orphan_page(
        self, scope: VisitScope, query: VisitQuery, visited_url: str
    ) -> VisitPage:
        """Return a page of orphans, or of those whose visited URL has this text in it."""
        if not visited_url:

            async def itself(_: AsyncConnection) -> VisitScope:
                return scope

            return await self.page(itself, query)
        condition = clicks.c.visited_url.contains(visited_url, autoescape=True)
        return await read(
            self._reading_engine, lambda on: search_page(on, scope, query, condition)
        )

    async def summary(self, api_key: ApiKey) -> tuple[Counts, Counts]:
        """Return how many visits short URLs and how many nothing has."""

        async def look(connection: AsyncConnection) -> tuple[Counts, Counts]:
            scope = await non_orphan_scope(connection, api_key)
            total = Counts()
            for span in await VisitCounts(connection, scope, VisitRange()).spans():
                total.add(span.counts.clicks, span.counts.bots)
            if not api_key.sees_orphan_visits:
                return total, Counts()
            return total, Counts(*(await connection.execute(_ORPHANS)).one())

        return await read(self._reading_engine, look)

    async def delete(self, find: FindScope) -> int:
        """Delete all visits of a short URL; return how many.

        Raises:
            DeletionUnfinishedError: they are too many for one call.
        """
        scope = await read(self._reading_engine, find)
        return await self._delete(scope)

    async def delete_orphans(self) -> int:
        """Delete all visits that no short URL answered; return how many.

        Raises:
            DeletionUnfinishedError: they are too many for one call.
        """
        return await self._delete(orphan_scope())

    async def _delete(self, scope: VisitScope) -> int:
        give_up_at = self._clock() + DELETION_LIMIT_S
        deleted = 0
        while (gone := await write(self._engine, lambda on: delete_some(on, scope))) is not None:
            deleted += gone
            if self._clock() > give_up_at:
                raise DeletionUnfinishedError(deleted)
        return deleted
