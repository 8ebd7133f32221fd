"""Lists of links: one statement that counts them, one that reads a page with all that is shown."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, cast, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db.schema import api_keys, link_counts, link_tags, links, tags
from shortener.short_url_list import OrderField, ShortUrlQuery
from shortener.stored_link import (
    SELECT_STORED,
    StoredLink,
    non_bot_visits,
    stored_link,
    visits,
)
from shortener.transactions import read

Condition = ColumnElement[bool]

_ESCAPE = "\\"

_COUNT_ALL = select(cast(func.sum(link_counts.c.links), BigInteger))
"""What the list is asked for most often, without any filter: a million rows are not counted."""

_ORDER_COLUMNS: dict[OrderField, ColumnElement[Any]] = {
    "longUrl": links.c.long_url,
    "shortCode": links.c.short_code,
    "dateCreated": links.c.created_at,
    "title": func.coalesce(links.c.title, ""),
    "visits": visits,
    "nonBotVisits": non_bot_visits,
}


class LinkSearch:
    """Finds links; raises `DatabaseUnavailableError` when PostgreSQL is away or too slow."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def find_page(self, query: ShortUrlQuery) -> tuple[list[StoredLink], int]:
        """Return the links of the page, and how many there are on all pages."""
        conditions = list(_conditions(query))
        matching = select(func.count()).select_from(links).where(*conditions)
        count = matching if conditions else _COUNT_ALL
        page = _page(query, conditions)

        async def look(connection: AsyncConnection) -> tuple[list[StoredLink], int]:
            total = (await connection.execute(count)).scalar_one()
            if query.offset >= total:
                return [], total
            return [stored_link(row) for row in await connection.execute(page)], total

        return await read(self._engine, look)


def _page(query: ShortUrlQuery, conditions: Iterable[Condition]) -> Select[Any]:
    column = _ORDER_COLUMNS[query.order_by]
    order = (column.desc(), links.c.id.desc()) if query.is_descending else (column, links.c.id)
    # Ids first: tags and totals are then read for the page only, not for all rows before it.
    ids = select(links.c.id).where(*conditions).order_by(*order)
    if query.items_per_page is not None:
        ids = ids.limit(query.items_per_page).offset(query.offset)
    return SELECT_STORED.where(links.c.id.in_(ids)).order_by(*order)


def _conditions(query: ShortUrlQuery) -> Iterator[Condition]:
    if query.search_term:
        yield _contains_term(query)
    if query.tags:
        yield _has_tags(query.tags, needs_all=query.needs_all_tags)
    if query.excluded_tags:
        yield ~_has_tags(query.excluded_tags, needs_all=query.excludes_only_all_tags)
    if query.start_date is not None:
        yield links.c.created_at >= query.start_date
    if query.end_date is not None:
        # Dates are shown to the second, and the end is inclusive.
        yield links.c.created_at < query.end_date + timedelta(seconds=1)
    if query.exclude_max_visits_reached:
        yield or_(links.c.visits_left.is_(None), links.c.visits_left > 0)
    if query.exclude_past_valid_until:
        yield or_(links.c.valid_until.is_(None), links.c.valid_until >= func.now())
    if query.domain is not None:
        yield links.c.domain == query.domain
    if query.api_key_name:
        key_id = select(api_keys.c.id).where(api_keys.c.name == query.api_key_name)
        yield links.c.created_by == key_id.scalar_subquery()


def _contains_term(query: ShortUrlQuery) -> Condition:
    pattern = f"%{_escape(query.search_term)}%"
    columns = [links.c.long_url, links.c.short_code, links.c.title, links.c.domain]
    found: list[Condition] = [column.ilike(pattern, escape=_ESCAPE) for column in columns]
    if query.searches_default_domain:
        found.append(links.c.domain == "")
    if not (query.tags and query.needs_all_tags):
        found.append(_tagged(tags.c.name.ilike(pattern, escape=_ESCAPE)))
    return or_(*found)


def _has_tags(names: Iterable[str], *, needs_all: bool) -> Condition:
    if needs_all:
        return and_(*(_tagged(tags.c.name == name) for name in names))
    return _tagged(tags.c.name.in_(list(names)))


def _tagged(condition: Condition) -> Condition:
    return exists().where(
        link_tags.c.link_id == links.c.id, link_tags.c.tag_id == tags.c.id, condition
    )


def _escape(term: str) -> str:
    return (
        term.replace(_ESCAPE, _ESCAPE * 2).replace("%", f"{_ESCAPE}%").replace("_", f"{_ESCAPE}_")
    )
