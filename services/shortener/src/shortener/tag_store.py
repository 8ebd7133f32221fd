"""Tags in PostgreSQL: listed with what is known of each, renamed, deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    Text,
    any_,
    bindparam,
    cast,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db.schema import link_tag_changes, link_tags, link_visits, links, tag_counts, tags
from shortener.like_pattern import ESCAPE, containing
from shortener.link_scope import EVERYTHING, LinkScope
from shortener.tag_query import OrderField, TagQuery
from shortener.transactions import read, write

MAX_UNTAGGED_LINKS = 20_000
"""In one transaction: a tag of a million links is taken from them without a long wait for any."""

_ORDER_COLUMNS: dict[OrderField, str] = {
    "tag": "name",
    "shortUrlsCount": "links",
    "visits": "visits",
    "nonBotVisits": "non_bot_visits",
}

_IDS = cast(bindparam("ids"), ARRAY(BigInteger))
_FIND = select(tags.c.id).where(tags.c.name == any_(cast(bindparam("names"), ARRAY(Text))))
_UNTAG_SOME = delete(link_tags).where(
    link_tags.c.link_id.in_(
        select(link_tags.c.link_id)
        .where(link_tags.c.tag_id == any_(_IDS))
        .limit(MAX_UNTAGGED_LINKS)
    ),
    link_tags.c.tag_id == any_(_IDS),
)
_DELETE = delete(tags).where(tags.c.id == any_(_IDS))
_RENAME = (
    update(tags)
    .where(tags.c.name == bindparam("old_name"))
    .values(name=bindparam("new_name"))
    .returning(tags.c.id)
)


class TagNotFoundError(Exception):
    """There is no such tag."""


class TagConflictError(Exception):
    """There is a tag of that name."""


@dataclass(frozen=True, slots=True)
class CountedTag:
    """A tag, its links and their clicks."""

    name: str
    links: int
    visits: int
    non_bot_visits: int


class TagStore:
    """Raises `DatabaseUnavailableError` when PostgreSQL is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading_engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def find_page(
        self, query: TagQuery, scope: LinkScope = EVERYTHING
    ) -> tuple[Sequence[CountedTag], int]:
        """Return the tags of the page, and how many there are on all pages.

        Outside of the scope of everything, only tags of links that may be seen, and how often they
        are on these: that takes as long as there are such links.
        """
        statement = _counted(query) if scope.is_everything else _counted_within(query, scope)
        counted = statement.subquery()
        column = counted.c[_ORDER_COLUMNS[query.order_by]]
        order = (column.desc() if query.is_descending else column, counted.c.name)
        page = select(counted).order_by(*order).limit(query.limit).offset(query.offset)

        async def look(connection: AsyncConnection) -> tuple[Sequence[CountedTag], int]:
            count = select(func.count()).select_from(counted)
            total = (await connection.execute(count)).scalar_one()
            if query.offset >= total:
                return [], total
            return [CountedTag(*row) for row in await connection.execute(page)], total

        return await read(self._reading_engine, look)

    async def rename(self, old_name: str, new_name: str) -> None:
        """Rename the tag for all its links; a tag may be renamed to what it is called.

        Raises:
            TagNotFoundError | TagConflictError: nothing is changed.
        """
        names = {"old_name": old_name, "new_name": new_name}
        try:
            renamed = await write(self._engine, lambda on: on.execute(_RENAME, names))
        except IntegrityError:
            raise TagConflictError from None
        if renamed.one_or_none() is None:
            raise TagNotFoundError

    async def delete(self, names: Sequence[str]) -> None:
        """Delete those of the tags that there are, from all their links."""
        wanted = {"names": list(names)}
        found = await read(self._reading_engine, lambda on: on.execute(_FIND, wanted))
        ids = {"ids": list(found.scalars())}
        untagged = MAX_UNTAGGED_LINKS
        while untagged >= MAX_UNTAGGED_LINKS:
            result = await write(self._engine, lambda on: on.execute(_UNTAG_SOME, ids))
            untagged = result.rowcount
        await write(self._engine, lambda on: on.execute(_DELETE, ids))


def _counted(query: TagQuery) -> Select[Any]:
    """All tags. A link that was just tagged counts at once, its visits when they are folded."""
    changed = (
        select(link_tag_changes.c.tag_id, func.sum(link_tag_changes.c.links).label("links"))
        .group_by(link_tag_changes.c.tag_id)
        .subquery()
    )
    counts = tag_counts.c
    return (
        select(
            tags.c.name,
            cast(
                func.coalesce(counts.links, 0) + func.coalesce(changed.c.links, 0), BigInteger
            ).label("links"),
            func.coalesce(counts.visits, 0).label("visits"),
            func.coalesce(counts.non_bot_visits, 0).label("non_bot_visits"),
        )
        .join_from(tags, tag_counts, isouter=True)
        .join(changed, changed.c.tag_id == tags.c.id, isouter=True)
        .where(*_of_name(query))
    )


def _counted_within(query: TagQuery, scope: LinkScope) -> Select[Any]:
    return (
        select(
            tags.c.name,
            func.count().label("links"),
            cast(func.sum(link_visits.c.visits), BigInteger).label("visits"),
            cast(func.sum(link_visits.c.non_bot_visits), BigInteger).label("non_bot_visits"),
        )
        .join_from(tags, link_tags)
        .join(links, links.c.id == link_tags.c.link_id)
        .join(link_visits, link_visits.c.link_id == links.c.id)
        .where(*_of_name(query), *scope.conditions())
        .group_by(tags.c.name)
    )


def _of_name(query: TagQuery) -> list[Any]:
    if not query.search_term:
        return []
    return [tags.c.name.ilike(containing(query.search_term), escape=ESCAPE)]
