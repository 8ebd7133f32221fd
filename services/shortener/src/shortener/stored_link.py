"""A link as it is read from its tables, with its tags and the totals of its clicks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Row, ScalarSelect, Select, Text, cast, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from shared.db.schema import click_counts_total, link_tags, links, tags
from shared.link import Link, link_of_row
from shared.link_cache import LinkKey


@dataclass(frozen=True, slots=True)
class StoredLink:
    """One row of `links`; `domain` is '' for the default domain."""

    id: int
    domain: str
    short_code: str
    long_url: str
    title: str | None
    valid_since: datetime | None
    valid_until: datetime | None
    max_visits: int | None
    visits_left: int | None
    crawlable: bool
    forward_query: bool
    version: int
    created_at: datetime
    tags: tuple[str, ...]
    visits: int
    non_bot_visits: int
    rules: str | None = None
    """JSON, as in `shared.redirect_rule`; None without redirect rules."""
    blocked_by: str | None = None

    @property
    def key(self) -> LinkKey:
        """What the cache knows the link by."""
        return self.domain, self.short_code


def _total(*conditions: Any) -> ScalarSelect[int]:
    counts = click_counts_total.c
    return (
        select(func.coalesce(cast(func.sum(counts.clicks), BigInteger), 0))
        .where(counts.link_id == links.c.id, counts.type == "link", *conditions)
        .scalar_subquery()
    )


visits = _total() + links.c.imported_visits
"""Clicks of the link at hand and the visits it brought along; out of totals, never counted."""

non_bot_visits = _total(click_counts_total.c.is_bot.is_(False)) + (
    links.c.imported_visits - links.c.imported_bot_visits
)
"""The same without bots."""

tag_names = (
    select(func.array_agg(aggregate_order_by(tags.c.name, tags.c.name)))
    .join(link_tags, link_tags.c.tag_id == tags.c.id)
    .where(link_tags.c.link_id == links.c.id)
    .scalar_subquery()
)
"""The tags of the link at hand, sorted by their bytes."""


SELECT_STORED: Select[Any] = select(
    links.c.id,
    links.c.domain,
    links.c.short_code,
    links.c.long_url,
    links.c.title,
    links.c.valid_since,
    links.c.valid_until,
    links.c.max_visits,
    links.c.visits_left,
    links.c.crawlable,
    links.c.forward_query,
    links.c.version,
    links.c.created_at,
    tag_names.label("tags"),
    visits.label("visits"),
    non_bot_visits.label("non_bot_visits"),
    cast(links.c.rules, Text).label("rules"),
    links.c.blocked_by,
)
"""All that `stored_link` needs: however many links, one statement."""


def stored_link(row: Row[Any]) -> StoredLink:
    """Make a link of a row of `SELECT_STORED`."""
    values = dict(row._mapping)
    values["tags"] = tuple(values["tags"] or ())
    return StoredLink(**values)


def cached_link(link: StoredLink) -> Link:
    """Make what the redirect path needs."""
    return link_of_row(
        version=link.version,
        link_id=link.id,
        long_url=link.long_url,
        valid_since=link.valid_since,
        valid_until=link.valid_until,
        max_visits=link.max_visits,
        forward_query=link.forward_query,
        rules=link.rules,
        is_blocked=link.blocked_by is not None,
    )
