"""Bringing `link_visits` and `tag_counts` up to date with what triggers have noted.

One statement takes what was noted and adds it: it sees links, tags and counts as of one moment, so
that each visit counts for exactly the tags that its link has. That needs all noted changes of tags
at once, while of those of visits any part will do. Only one at a time, hence the lock, taken by a
statement of its own, before that moment.

Counts are behind by at most a turn of this task while one shortener is up. When all are down, the
changes wait in their tables.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shortener.transactions import DatabaseUnavailableError, write

log = structlog.get_logger()

INTERVAL_S = 0.5
MAX_VISIT_CHANGES = 20_000
"""In one statement: some tenths of a second's work."""

_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtext('count folding'))")

_FOLD = text("""
WITH visit_changes AS (
    DELETE FROM link_visit_changes WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM link_visit_changes LIMIT :max_visit_changes
    )) RETURNING link_id, visits, non_bot_visits
),
tag_changes AS (
    DELETE FROM link_tag_changes RETURNING link_id, tag_id, links
),
visited AS (
    SELECT link_id, sum(visits) AS visits, sum(non_bot_visits) AS non_bot_visits
    FROM visit_changes GROUP BY link_id
),
by_tag AS (
    SELECT tag_id, 0 AS links, visits, non_bot_visits FROM visited JOIN link_tags USING (link_id)
    UNION ALL
    SELECT tag_id, links, links * coalesce(visits, 0), links * coalesce(non_bot_visits, 0)
    FROM tag_changes LEFT JOIN link_visits USING (link_id)
),
tagged AS (
    INSERT INTO tag_counts AS counts (tag_id, links, visits, non_bot_visits)
    SELECT tag_id, sum(links), sum(by_tag.visits), sum(by_tag.non_bot_visits)
    FROM by_tag JOIN tags ON tags.id = tag_id GROUP BY tag_id ORDER BY tag_id
    ON CONFLICT (tag_id) DO UPDATE SET links = counts.links + excluded.links,
        visits = counts.visits + excluded.visits,
        non_bot_visits = counts.non_bot_visits + excluded.non_bot_visits
),
deleted AS (
    DELETE FROM link_visits USING tag_changes
    WHERE link_visits.link_id = tag_changes.link_id AND tag_id IS NULL
),
counted AS (
    UPDATE link_visits SET visits = link_visits.visits + visited.visits,
        non_bot_visits = link_visits.non_bot_visits + visited.non_bot_visits
    FROM visited WHERE link_visits.link_id = visited.link_id AND NOT EXISTS (
        SELECT FROM tag_changes WHERE tag_changes.link_id = visited.link_id AND tag_id IS NULL
    )
)
SELECT count(*) FROM visit_changes
""")

Sleep = Callable[[float], Awaitable[None]]


class CountFolding:
    """The endless task, of which every shortener has one and one at a time does the work."""

    def __init__(self, engine: AsyncEngine, sleep: Sleep = asyncio.sleep) -> None:
        self._engine = engine
        self._sleep = sleep
        self._is_stuck = False

    async def run(self) -> None:
        """Fold until cancelled."""
        while True:
            await self.turn()
            await self._sleep(INTERVAL_S)

    async def turn(self) -> None:
        """Fold all that was noted; what cannot be done is left to the next turn."""
        try:
            while await write(self._engine, _fold) == MAX_VISIT_CHANGES:
                pass
        except (DatabaseUnavailableError, SQLAlchemyError) as error:  # or not migrated yet
            if not self._is_stuck:
                log.warning("count_folding_stuck", reason=str(error))
            self._is_stuck = True
        else:
            self._is_stuck = False


async def _fold(connection: AsyncConnection) -> int:
    """Fold up to a statement's worth; return how many changes of visits were folded."""
    if not (await connection.execute(_LOCK)).scalar_one():
        return 0
    result = await connection.execute(_FOLD, {"max_visit_changes": MAX_VISIT_CHANGES})
    return int(result.scalar_one())
