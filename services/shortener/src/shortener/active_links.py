"""On which days which links of a scope were clicked: where the index on clicks is worth a look.

Rows of many links that are clicked rarely are found neither by looking through all clicks of the
time nor by asking each link's index on each day, of which most have none.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
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

from shared.click_id import first_id_at
from shared.db.schema import click_statistics, clicks, links
from shortener.visit_scope import VisitScope, link_array

MAX_LINKS = 5_000
"""A scope of more has so many clicks that looking through all of the time finds them soon."""

MAX_STRETCHES = 20_000

_DAY = timedelta(days=1)


class Stretch(NamedTuple):
    """A link, and ids between which it may have clicks."""

    link_id: int
    first: UUID
    beyond: UUID


@dataclass(frozen=True, slots=True)
class ActiveLinks:
    """The links of a scope that are looked up one by one."""

    stretches: Sequence[Stretch]

    def newest(
        self, columns: Sequence[Column[Any]], *conditions: ColumnElement[bool]
    ) -> Select[Any]:
        """Select columns of the clicks of these links and days that meet conditions."""
        arrays = [*zip(*self.stretches, strict=True)] or [(), (), ()]
        active = (
            func.unnest(
                *(
                    cast(literal([*values], ARRAY(kind)), ARRAY(kind))
                    for values, kind in zip(arrays, (BigInteger, Uuid, Uuid), strict=True)
                )
            )
            .table_valued(
                column("link_id", BigInteger), column("first", Uuid), column("beyond", Uuid)
            )
            .render_derived("active")
        )
        found = (
            select(clicks.c.id, *columns)
            .where(
                clicks.c.link_id == active.c.link_id,
                clicks.c.id >= active.c.first,
                clicks.c.id < active.c.beyond,
                *conditions,
            )
            .offset(0)  # or PostgreSQL might take it for a join and look through all clicks
            .lateral("found")
        )
        return (
            select(*(found.c[each.name] for each in columns))
            .select_from(active.join(found, true()))
            .order_by(found.c.id.desc())
        )


async def active_links(
    connection: AsyncConnection,
    scope: VisitScope,
    start: datetime,
    end: datetime,
    pending: Collection[tuple[int, date]],
) -> ActiveLinks | None:
    """Find them, or None where the scope is better looked for among all clicks.

    `pending` are links and days that have clicks which are in no statistics yet.
    """
    if scope.links is None or not scope.is_looked_up:
        return None
    some = select(links.c.id).where(scope.links).limit(MAX_LINKS + 1)
    link_ids = (await connection.execute(some)).scalars().all()
    if len(link_ids) > MAX_LINKS:
        return None
    of = click_statistics.c
    statement = (
        select(of.scope_id, of.day)
        .where(
            of.scope == "link",
            of.scope_id == any_(link_array(link_ids)),
            of.day.between(start.astimezone(UTC).date(), end.astimezone(UTC).date()),
        )
        .limit(MAX_STRETCHES + 1)
    )
    active = {(link, day) for link, day in await connection.execute(statement)}
    ours = set(link_ids)
    active |= {(link, day) for link, day in pending if link in ours}
    if len(active) > MAX_STRETCHES:
        return None
    return ActiveLinks([*_stretches(active, start, end)])


def _stretches(
    active: Collection[tuple[int, date]], start: datetime, end: datetime
) -> Iterator[Stretch]:
    days = {day: datetime.combine(day, time(), UTC) for _, day in active}
    bounds = {
        day: (first_id_at(max(start, begin)), first_id_at(min(end, begin + _DAY)))
        for day, begin in days.items()
    }
    for link, day in active:
        yield Stretch(link, *bounds[day])
