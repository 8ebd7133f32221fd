"""On which days which links of a scope were clicked: where the index on clicks is worth a look.

Rows of many links that are clicked rarely are found neither by looking through all clicks of the
time nor by asking each link's index on each day, of which most have none.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    FromClause,
    Select,
    Uuid,
    any_,
    cast,
    column,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from shared.click_id import first_id_at
from shared.db.schema import click_statistics, clicks, links
from shortener.visit_scope import VisitScope

MAX_LINKS = 5_000
"""A scope of more has so many clicks that looking through all of the time finds them soon.

No more than this are looked up on a page's first and on its last day, and on the days between none
that has no click on the page.
"""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ActiveLinks:
    """The links of a scope that are looked up one by one, each on its days."""

    link_ids: Select[tuple[int]]
    days: Sequence[date]
    pending: Collection[tuple[int, date]]
    excludes_bots: bool

    def newest(
        self, columns: Sequence[ColumnElement[Any]], *conditions: ColumnElement[bool]
    ) -> Select[Any]:
        """Select columns of the clicks of these links and days that meet conditions."""
        active = self._links_by_day()
        first = [first_id_at(_midnight(day)) for day in self.days]
        beyond = [first_id_at(_midnight(day) + _DAY) for day in self.days]
        days = _table(
            "days", day=(Date(), self.days), first=(Uuid(), first), beyond=(Uuid(), beyond)
        )
        found = (
            select(clicks.c.id, *columns)
            .where(
                clicks.c.link_id == active.c.link_id,
                clicks.c.id >= days.c.first,
                clicks.c.id < days.c.beyond,
                *conditions,
            )
            .offset(0)  # or PostgreSQL might take it for a join and look through all clicks
            .lateral("found")
        )
        return (
            select(*(found.c[each.name] for each in columns))
            .select_from(active.join(days, active.c.day == days.c.day).join(found, true()))
            .order_by(found.c.id.desc())
        )

    def _links_by_day(self) -> FromClause:
        of = click_statistics.c
        known = select(of.scope_id.label("link_id"), of.day).where(
            of.scope == "link",
            # Looked up in the order of the index.
            of.scope_id == any_(func.array(self.link_ids.scalar_subquery())),
            of.day.between(self.days[0], self.days[-1]),
            of.clicks > of.bots if self.excludes_bots else true(),
        )
        if not self.pending:
            return known.subquery("active")
        link_ids, days = zip(*self.pending, strict=True)
        pending = _table("pending", link_id=(BigInteger(), link_ids), day=(Date(), days))
        return known.union(select(pending.c.link_id, pending.c.day)).subquery("active")


async def active_links(
    connection: AsyncConnection,
    scope: VisitScope,
    start: datetime,
    end: datetime,
    pending: Collection[tuple[int, date]],
    *,
    excludes_bots: bool,
) -> ActiveLinks | None:
    """Find them, or None where the scope is better looked for among all clicks.

    `pending` are links of it and days that have clicks which are in no statistics yet.
    """
    if scope.links is None or not scope.is_looked_up:
        return None
    some = select(links.c.id).where(scope.links).limit(MAX_LINKS + 1)
    counting = select(func.count()).select_from(some.subquery())
    if (await connection.execute(counting)).scalar_one() > MAX_LINKS:
        return None
    first, last = start.astimezone(UTC).date(), end.astimezone(UTC).date()
    days = [first + n * _DAY for n in range((last - first).days + 1)]
    return ActiveLinks(some, days, pending, excludes_bots)


def _table(name: str, **columns: tuple[TypeEngine[Any], Collection[Any]]) -> FromClause:
    """Make a table of arrays, one for each column."""
    arrays = (
        cast(literal([*values], ARRAY(kind)), ARRAY(kind)) for kind, values in columns.values()
    )
    return (
        func.unnest(*arrays)
        .table_valued(*(column(each, kind) for each, (kind, _) in columns.items()))
        .render_derived(name)
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
