"""What a list's query asks of links, in terms that PostgreSQL finds by an index.

Names are looked up before: with the ids of tags and keys PostgreSQL knows from its statistics how
many links to expect, and a search finds links by what their tags and domains are called without
looking at every link.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.schema import SEARCHED_TEXT, api_keys, domains, link_tags, links, tag_counts, tags
from shortener.like_pattern import ESCAPE, containing
from shortener.link_scope import LinkScope
from shortener.short_url_list import ShortUrlQuery
from shortener.tag_names import normalize_tag

Condition = ColumnElement[bool]

MAX_LISTED_LINKS = 10_000
"""Of tags that match a search: so many links are listed before, more are met soon anyway."""

_TAG_IDS = select(tags.c.name, tags.c.id).where(
    tags.c.name == any_(cast(bindparam("names"), ARRAY(Text)))
)
_KEY_ID = select(api_keys.c.id).where(api_keys.c.name == bindparam("key_name"))
_TAGS_LIKE = (
    select(tags.c.id, func.coalesce(tag_counts.c.links, 0))
    .join_from(tags, tag_counts, isouter=True)
    .where(tags.c.name.ilike(bindparam("pattern"), escape=ESCAPE))
)
_DOMAINS_LIKE = select(domains.c.authority).where(
    domains.c.authority.ilike(bindparam("pattern"), escape=ESCAPE), domains.c.authority != ""
)


@dataclass(frozen=True, slots=True)
class LinkFilter:
    """The conditions, all of which hold for each link of the list; `is_search` if text is looked
    for."""

    conditions: Sequence[Condition]
    is_search: bool


async def resolve(
    connection: AsyncConnection, query: ShortUrlQuery, scope: LinkScope
) -> LinkFilter:
    """Look up what the query names, and make its conditions."""
    conditions = [*scope.conditions(), *_of_columns(query)]
    ids = await _tag_ids(connection, {*query.tags, *query.excluded_tags})
    if query.tags:
        conditions.append(_has_tags(query.tags, ids, needs_all=query.needs_all_tags))
    if query.excluded_tags:
        needs_all = query.excludes_only_all_tags
        conditions.append(~_has_tags(query.excluded_tags, ids, needs_all=needs_all))
    if query.api_key_name:
        found = await connection.execute(_KEY_ID, {"key_name": query.api_key_name})
        key_id = found.scalar_one_or_none()
        conditions.append(false() if key_id is None else links.c.created_by == key_id)
    if query.search_term:
        conditions.append(or_(*await _found(connection, query)))
    return LinkFilter(conditions, bool(query.search_term))


def _of_columns(query: ShortUrlQuery) -> Iterator[Condition]:
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


async def _tag_ids(connection: AsyncConnection, names: set[str]) -> Mapping[str, int]:
    """Return by name the tag that is called so, or else the one that it stands for."""
    if not names:
        return {}
    wanted = names | set(map(normalize_tag, names))
    rows = await connection.execute(_TAG_IDS, {"names": sorted(wanted)})
    ids = {row.name: row.id for row in rows}
    found = {name: ids.get(name, ids.get(normalize_tag(name))) for name in names}
    return {name: tag_id for name, tag_id in found.items() if tag_id is not None}


def _has_tags(names: Sequence[str], ids: Mapping[str, int], *, needs_all: bool) -> Condition:
    known = [ids[name] for name in names if name in ids]
    if needs_all:
        return and_(*map(_tagged, known)) if len(known) == len(names) else false()
    if len(known) == 1:
        return _tagged(known[0])
    return _tagged_any(known) if known else false()


def _tagged(tag_id: int) -> Condition:
    return exists().where(link_tags.c.link_id == links.c.id, link_tags.c.tag_id == tag_id)


def _tagged_any(tag_ids: Sequence[int]) -> Condition:
    return exists().where(link_tags.c.link_id == links.c.id, link_tags.c.tag_id.in_(tag_ids))


async def _found(connection: AsyncConnection, query: ShortUrlQuery) -> list[Condition]:
    pattern = {"pattern": containing(query.search_term)}
    text: ColumnElement[str] = literal_column(SEARCHED_TEXT, Text)
    found: list[Condition] = [text.ilike(pattern["pattern"], escape=ESCAPE)]
    names = list((await connection.execute(_DOMAINS_LIKE, pattern)).scalars())
    if query.searches_default_domain:
        names.append("")
    if names:
        found.append(links.c.domain == any_(literal(names, ARRAY(Text))))
    if not (query.tags and query.needs_all_tags):
        rows = (await connection.execute(_TAGS_LIKE, pattern)).all()
        if rows:
            found.append(_tagged_like([row[0] for row in rows], sum(row[1] for row in rows)))
    return found


def _tagged_like(tag_ids: Sequence[int], links_of_them: int) -> Condition:
    if links_of_them > MAX_LISTED_LINKS:
        return _tagged_any(tag_ids)
    tagged: Any = select(link_tags.c.link_id).where(link_tags.c.tag_id.in_(tag_ids))
    # As an array, so that an index finds them beside what other indexes find.
    return links.c.id == any_(func.array(tagged.scalar_subquery(), type_=ARRAY(BigInteger)))
