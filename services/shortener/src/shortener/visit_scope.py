"""What visits can be asked of: a short URL, a tag, a domain, all short URLs, or none of them.

A scope knows its rows, the counts by hour that are exact (of links and orphans), and the days of
statistics that sum up what is too much to sum up at each request.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, any_, cast, exists, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.click_delta import ORPHANS
from shared.day_statistics import Scope
from shared.db.schema import (
    click_counts_hourly,
    click_statistics,
    clicks,
    domains,
    link_tags,
    links,
    tags,
)
from shared.link_cache import LinkKey
from shortener.api_keys import ApiKey

Condition = ColumnElement[bool]

FEW_LINKS = 200
"""A tag or domain of so many is summed up link by link, so a change of tags is seen at once."""

ORPHAN_TYPES: tuple[str, ...] = ("base_url", "invalid_short_url", "regular_404")


class ScopeNotFoundError(Exception):
    """There is no such short URL, tag or domain, as far as the key may see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitScope:
    """A set of clicks."""

    types: tuple[str, ...] = ("link",)
    link_ids: Sequence[int] | None = None
    """When they are few; else `links` says which."""
    links: Condition | None = None
    """On `links`; None for all, deleted ones too."""
    days: tuple[Scope, int] | None = None
    """What sums them up; None where nothing does."""

    @property
    def rows(self) -> Condition:
        """The condition on `clicks`."""
        if self.types != ("link",):
            return clicks.c.link_id.is_(None) & clicks.c.type.in_(self.types)
        if self.link_ids is not None and len(self.link_ids) == 1:
            # Not as a list of one: PostgreSQL reads the index in order for this only.
            return clicks.c.link_id == self.link_ids[0]
        if self.link_ids is not None:
            return clicks.c.link_id == any_(link_array(self.link_ids))
        if self.links is not None:
            return clicks.c.link_id.in_(select(links.c.id).where(self.links))
        return clicks.c.link_id.is_not(None)

    @property
    def hours(self) -> Condition | None:
        """The condition on the counts by hour; None where they would be too many."""
        of_type = click_counts_hourly.c.type.in_(self.types)
        if self.types != ("link",):
            return (click_counts_hourly.c.link_id == ORPHANS) & of_type
        if self.link_ids is not None:
            return (click_counts_hourly.c.link_id == any_(link_array(self.link_ids))) & of_type
        if self.days is not None or self.links is None:
            return None
        return click_counts_hourly.c.link_id.in_(select(links.c.id).where(self.links)) & of_type

    @property
    def is_looked_up(self) -> bool:
        """Tell whether its rows are those of links that a condition selects."""
        return self.link_ids is None and self.links is not None

    @property
    def sums_links(self) -> bool:
        """Tell whether the statistics by day are those of several links."""
        return self.days is None or (self.link_ids is not None and len(self.link_ids) != 1)

    @property
    def statistics(self) -> Condition:
        """The condition on the statistics by day."""
        of = click_statistics.c
        if self.link_ids is not None:  # few, or one
            return (of.scope == "link") & (of.scope_id == any_(link_array(self.link_ids)))
        if self.days is not None:
            return (of.scope == self.days[0]) & (of.scope_id == self.days[1])
        chosen = select(links.c.id).where(true() if self.links is None else self.links)
        return (of.scope == "link") & of.scope_id.in_(chosen)


def link_array(link_ids: Collection[int]) -> ColumnElement[Any]:
    """Make one parameter of many ids."""
    return cast(literal([*link_ids], ARRAY(BigInteger)), ARRAY(BigInteger))


def visible_links(api_key: ApiKey) -> Sequence[Condition]:
    """Return which links the key may see: the one place where scopes narrow visits.

    A condition on `links` for each restriction; none for a key that may see everything.
    """
    return [*api_key.scope.conditions()]


async def link_scope(connection: AsyncConnection, key: LinkKey, api_key: ApiKey) -> VisitScope:
    """Find a short URL's visits.

    Raises:
        ScopeNotFoundError: there is no such short URL.
    """
    domain, code = key
    statement = select(links.c.id).where(
        links.c.domain == domain, links.c.short_code == code, *visible_links(api_key)
    )
    link_id = (await connection.execute(statement)).scalar_one_or_none()
    if link_id is None:
        raise ScopeNotFoundError
    return VisitScope(link_ids=[link_id], days=("link", link_id))


async def tag_scope(
    connection: AsyncConnection, name: str, domain: str | None, api_key: ApiKey
) -> VisitScope:
    """Find a tag's visits; `domain` may narrow them.

    Raises:
        ScopeNotFoundError: there is no such tag.
    """
    statement = select(tags.c.id).where(tags.c.name == name)
    tag_id = (await connection.execute(statement)).scalar_one_or_none()
    if tag_id is None:
        raise ScopeNotFoundError
    has_tag = links.c.id.in_(select(link_tags.c.link_id).where(link_tags.c.tag_id == tag_id))
    narrower = [*visible_links(api_key)]
    if narrower and not await _is_any(connection, [has_tag, *narrower]):
        raise ScopeNotFoundError
    if domain is not None:
        narrower.append(links.c.domain == domain)
    return await _of_links(connection, [has_tag, *narrower], None if narrower else ("tag", tag_id))


async def domain_scope(connection: AsyncConnection, domain: str, api_key: ApiKey) -> VisitScope:
    """Find the visits of a domain's short URLs; '' is the default domain.

    Raises:
        ScopeNotFoundError: there is no such domain.
    """
    if not api_key.scope.includes_domain(domain):
        raise ScopeNotFoundError
    domain_id = 0
    if domain:
        statement = select(domains.c.id).where(domains.c.authority == domain)
        found = (await connection.execute(statement)).scalar_one_or_none()
        if found is None:
            raise ScopeNotFoundError
        domain_id = found
    of_domain = [links.c.domain == domain]
    if api_key.scope.created_by is None:
        return await _of_links(connection, of_domain, ("domain", domain_id))
    of_domain += visible_links(api_key)
    if domain and not await _is_any(connection, of_domain):
        raise ScopeNotFoundError
    return await _of_links(connection, of_domain, None)


async def non_orphan_scope(connection: AsyncConnection, api_key: ApiKey) -> VisitScope:
    """Find the visits of all short URLs."""
    scope = api_key.scope
    if scope.is_everything:
        return VisitScope(days=("non_orphan", 0))
    if scope.created_by is None and scope.domain is not None:
        try:
            return await domain_scope(connection, scope.domain, api_key)
        except ScopeNotFoundError:  # nothing was made for the key's domain yet
            return VisitScope(link_ids=())
    return await _of_links(connection, visible_links(api_key), None)


async def every_scope(connection: AsyncConnection, api_key: ApiKey) -> list[VisitScope]:
    """Find all visits that the key may see."""
    return [await non_orphan_scope(connection, api_key), *await orphan_scopes(api_key)]


async def orphan_scopes(api_key: ApiKey) -> list[VisitScope]:
    """Return the visits that no short URL answered, or nothing for a key that sees none."""
    return [orphan_scope()] if api_key.sees_orphan_visits else []


def orphan_scope(types: tuple[str, ...] = ORPHAN_TYPES) -> VisitScope:
    """Return the visits that no short URL answered, or those of some types."""
    return VisitScope(types=types, days=("orphan", 0))


async def _is_any(connection: AsyncConnection, conditions: Sequence[Condition]) -> bool:
    statement = select(exists().where(*conditions))
    return bool((await connection.execute(statement)).scalar_one())


async def _of_links(
    connection: AsyncConnection, conditions: Sequence[Condition], days: tuple[Scope, int] | None
) -> VisitScope:
    """Make the scope of links; of few by their ids."""
    condition = conditions[0]
    for further in conditions[1:]:
        condition &= further
    few = select(links.c.id).where(condition).limit(FEW_LINKS + 1)
    link_ids = (await connection.execute(few)).scalars().all()
    is_few = len(link_ids) <= FEW_LINKS
    return VisitScope(link_ids=link_ids if is_few else None, links=condition, days=days)
