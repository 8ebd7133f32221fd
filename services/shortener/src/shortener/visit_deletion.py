"""Deleting clicks: rows, counts by hour and in all, and what statistics are to forget.

Some thousands at a time, each in a transaction that leaves everything in agreement; so it may be
interrupted and called again. The ids are noted as deleted on purpose: the ledger adds up.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import any_, cast, delete, insert, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.click_delta import HOUR_S, ORPHANS, Source, encode_delta
from shared.day_statistics import source_values
from shared.db.schema import click_deltas, clicks
from shortener.visit_scope import VisitScope

CHUNK = 5_000

_IDS = ARRAY(clicks.c.id.type)
_ON_PURPOSE = text("SET LOCAL qck.deletion_is_asked_for = 'on'")
_DELETED_COLUMNS = (
    clicks.c.link_id, clicks.c.type, clicks.c.clicked_at, clicks.c.is_bot, clicks.c.referer,
    clicks.c.browser, clicks.c.operating_system, clicks.c.device, clicks.c.country,
    clicks.c.visitor,
)  # fmt: skip
_source_key = attrgetter("is_bot", "referer", "browser", "operating_system", "device", "country")

# In the order in which click-ingest adds to these counts (its hourly ones are in a WITH, which
# PostgreSQL runs last), or the two could deadlock.
_SUBTRACT = text("""
WITH gone AS (
    SELECT * FROM unnest(
        CAST(:links AS bigint[]), CAST(:types AS click_type[]), CAST(:hours AS timestamptz[]),
        CAST(:bots AS boolean[]), CAST(:clicks AS bigint[])
    ) AS entry (link_id, type, hour, is_bot, clicks)
),
hourly AS (
    INSERT INTO click_counts_hourly AS counts (link_id, type, hour, is_bot, clicks)
    SELECT link_id, type, hour, is_bot, -clicks FROM gone ORDER BY 1, 2, 3, 4
    ON CONFLICT (link_id, type, hour, is_bot)
    DO UPDATE SET clicks = counts.clicks + excluded.clicks
)
INSERT INTO click_counts_total AS counts (link_id, type, is_bot, clicks)
SELECT link_id, type, is_bot, -sum(clicks) FROM gone GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (link_id, type, is_bot)
DO UPDATE SET clicks = counts.clicks + excluded.clicks
""")
# The default domain is 0, as in the statistics.
_DOMAINS = text("""
SELECT links.id, coalesce(domains.id, 0) FROM links
LEFT JOIN domains ON domains.authority = links.domain AND domains.authority <> ''
WHERE links.id = ANY(:links)
""")
_FORGET_ZEROS = tuple(
    text(f"DELETE FROM {table} WHERE link_id = ANY(:links) AND clicks = 0")  # noqa: S608 - ours
    for table in ("click_counts_total", "click_counts_hourly")
)

# What counts against a limit, or came along with an import, is forgotten with the rest.
_RESET_LINK = text("""
UPDATE links SET visits_left = max_visits, imported_visits = 0, imported_bot_visits = 0
WHERE id = :link AND (visits_left < max_visits OR imported_visits > 0)
""")
# Counts outlive the days of clicks that retention drops; a reset does not leave them behind.
_FORGET_DROPPED = text("""
WITH oldest AS (
    SELECT to_date(min(substr(relname, 8)), 'YYYYMMDD') AS day FROM pg_inherits
    JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'clicks'::regclass AND relname ~ '^clicks_[0-9]{8}$'
),
days AS (
    DELETE FROM click_statistics USING oldest
    WHERE scope = CAST(:scope AS statistics_scope) AND scope_id = :link
        AND click_statistics.day < oldest.day
),
hours AS (
    DELETE FROM click_counts_hourly USING oldest
    WHERE link_id = :link AND hour < oldest.day::timestamp AT TIME ZONE 'UTC'
    RETURNING type, is_bot, clicks
)
UPDATE click_counts_total AS counts SET clicks = counts.clicks - gone.clicks
FROM (SELECT type, is_bot, sum(clicks) AS clicks FROM hours GROUP BY 1, 2) AS gone
WHERE link_id = :link AND (counts.type, counts.is_bot) = (gone.type, gone.is_bot)
""")


async def delete_some(connection: AsyncConnection, scope: VisitScope) -> int | None:
    """Delete up to `CHUNK` clicks within the caller's transaction; return how many.

    Those that somebody else deletes at this moment are not among them. When none is left, which
    None tells, forgets what else is counted: of clicks that retention has dropped, against the
    link's limit of visits, and of those that an import brought.
    """
    looked = await connection.execute(select(clicks.c.id).where(scope.rows).limit(CHUNK))
    ids = looked.scalars().all()
    links = list(scope.link_ids or [ORPHANS])
    if not ids:
        for link in links:
            await connection.execute(_RESET_LINK, {"link": link})
            of = {"link": link, "scope": "orphan" if link == ORPHANS else "link"}
            await connection.execute(_FORGET_DROPPED, of)
        await _forget_zeros(connection, links)
        return None
    await connection.execute(_ON_PURPOSE)
    statement = (
        delete(clicks)
        .where(
            clicks.c.id == any_(cast(literal(ids, _IDS), _IDS)),
            clicks.c.id.between(min(ids), max(ids)),  # leaves out the partitions of other days
        )
        .returning(*_DELETED_COLUMNS)
    )
    rows = (await connection.execute(statement)).all()
    if rows:
        await _subtract(connection, rows, links)
        await _forget_zeros(connection, links)
    return len(rows)


async def _subtract(
    connection: AsyncConnection, rows: Sequence[Any], links: Sequence[int]
) -> None:
    # Who empties a link often deletes it next, before its domain was told of it.
    domains = await connection.execute(_DOMAINS, {"links": list(links)})
    hours = [int(row.clicked_at.timestamp()) // HOUR_S for row in rows]
    delta = encode_delta(
        links=[row.link_id or ORPHANS for row in rows],
        hours=hours,
        keys=map(_source_key, rows),
        source=lambda key: Source(key[0], source_values(*key[1:])),
        visitors=[row.visitor for row in rows],
        sign=-1,
        domains={link: domain for link, domain in domains},
    )
    await connection.execute(insert(click_deltas).values(clicks=len(rows), delta=delta))
    counts = Counter(
        (row.link_id or ORPHANS, row.type, hour, row.is_bot)
        for row, hour in zip(rows, hours, strict=True)
    )
    link_ids, types, numbers, bots = zip(*counts, strict=True)
    parameters = {
        "links": list(link_ids),
        "types": list(types),
        "hours": [datetime.fromtimestamp(hour * HOUR_S, UTC) for hour in numbers],
        "bots": list(bots),
        "clicks": list(counts.values()),
    }
    await connection.execute(_SUBTRACT, parameters)


async def _forget_zeros(connection: AsyncConnection, links: Sequence[int]) -> None:
    for statement in _FORGET_ZEROS:
        await connection.execute(statement, {"links": list(links)})
