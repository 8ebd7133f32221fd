"""Pages of links: how many there are, which are on the page, and all that is shown of these.

A list takes about as long whatever it asks for and however many links there are. Counting ends at
a bound. Up to that bound the links are sorted, from there on they are walked through in the order
of an index, and as many as there are then, a page full of them is soon met.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, any_, bindparam, cast, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db.schema import link_counts, link_visits, links
from shortener.link_filter import LinkFilter, resolve
from shortener.link_scope import EVERYTHING, LinkScope
from shortener.row_estimate import estimate_rows
from shortener.short_url_list import OrderField, ShortUrlQuery
from shortener.stored_link import SELECT_STORED, StoredLink, stored_link
from shortener.transactions import read

MAX_COUNTED = 10_000
"""Up to so many links, the total is exact."""

MAX_COUNTED_IN_SEARCH = 1000
"""The same for a search that matches more often than its index is worth: each is looked at."""

_COUNT_ALL = select(cast(func.sum(link_counts.c.links), BigInteger))

# A plan for any search term suits no term: what is frequent is met soon, what is rare is indexed.
_PLAN_EACH = text("SET LOCAL plan_cache_mode = force_custom_plan")

_IDS = cast(bindparam("ids"), ARRAY(BigInteger))
_SELECT_PAGE = SELECT_STORED.where(links.c.id == any_(_IDS))

# Each is an index, with the id behind it.
_ORDER_COLUMNS: dict[OrderField, ColumnElement[Any]] = {
    "longUrl": links.c.long_url,
    "shortCode": links.c.short_code,
    "dateCreated": links.c.created_at,
    "title": func.coalesce(links.c.title, text("''")),
    "visits": link_visits.c.visits,
    "nonBotVisits": link_visits.c.non_bot_visits,
}
_OF_VISITS = frozenset({"visits", "nonBotVisits"})


@dataclass(frozen=True, slots=True)
class _Total:
    links: int
    is_exact: bool


class LinkSearch:
    """Finds links; raises `DatabaseUnavailableError` when PostgreSQL is away or too slow."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find_page(
        self, query: ShortUrlQuery, scope: LinkScope = EVERYTHING
    ) -> tuple[Sequence[StoredLink], int]:
        """Return the links of the page, and how many there are on all pages.

        The total is exact without any filter, up to `MAX_COUNTED` (searching, up to
        `MAX_COUNTED_IN_SEARCH`), and on the last page. Else it is an estimate, which exceeds what
        is on the pages up to this one: who reads page after page reads all.
        """

        async def look(connection: AsyncConnection) -> tuple[Sequence[StoredLink], int]:
            await connection.execute(_PLAN_EACH)
            matching = await resolve(connection, query, scope)
            total = await _count(connection, matching)
            if total.is_exact and query.offset >= total.links:
                return [], total.links
            ids = list((await connection.execute(_ids(query, matching, total))).scalars())
            on_page = ids[: query.limit]
            rows = await connection.execute(_SELECT_PAGE, {"ids": on_page})
            found = {row.id: stored_link(row) for row in rows}
            page = [found[link_id] for link_id in on_page if link_id in found]
            return page, _told(query, total, len(ids))

        return await read(self._engine, look)


async def _count(connection: AsyncConnection, matching: LinkFilter) -> _Total:
    if not matching.conditions:
        return _Total((await connection.execute(_COUNT_ALL)).scalar_one(), True)
    most = MAX_COUNTED_IN_SEARCH if matching.is_search else MAX_COUNTED
    some = select(links.c.id).where(*matching.conditions)
    bounded = select(func.count()).select_from(some.limit(most + 1).subquery())
    counted = (await connection.execute(bounded)).scalar_one()
    if counted <= most:
        return _Total(counted, True)
    return _Total(max(counted, await estimate_rows(connection, some)), False)


def _ids(query: ShortUrlQuery, matching: LinkFilter, total: _Total) -> Select[Any]:
    """Ask for the ids of the page, and for one more, which tells whether there are others."""
    order: list[ColumnElement[Any]]
    column = _ORDER_COLUMNS[query.order_by]
    is_of_visits = query.order_by in _OF_VISITS
    by_id = link_visits.c.link_id if is_of_visits else links.c.id
    found = select(by_id.label("id"), column.label("by")).where(*matching.conditions)
    if is_of_visits and matching.conditions:
        found = found.join_from(links, link_visits, link_visits.c.link_id == links.c.id)
    if matching.conditions and total.is_exact:
        # All of them are found first, by whatever index finds them, then sorted.
        few = found.cte("few").prefix_with("MATERIALIZED", dialect="postgresql")
        statement, order = select(few.c.id), [few.c.by, few.c.id]
    else:
        statement, order = found.with_only_columns(by_id), [column, by_id]
    if query.is_descending:
        order = [each.desc() for each in order]
    return statement.order_by(*order).limit(query.limit + 1).offset(query.offset)


def _told(query: ShortUrlQuery, total: _Total, ids: int) -> int:
    """Return the total as it is told, knowing the page."""
    if total.is_exact:
        return total.links
    has_more = ids > query.limit
    if has_more:
        return max(total.links, query.offset + ids)
    return query.offset + ids if ids else min(total.links, query.offset)
