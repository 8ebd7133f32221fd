"""Bringing `link_visits` and `tag_counts` up to date with what triggers have noted.

One statement takes some links that were noted, looks up their visits and writes what is new: it
sees links, tags and counts as of one moment, so that each visit counts for exactly the tags that
its link has. That needs all noted changes of tags at once, while of noted links any part will do,
and a link noted twice does no harm. Only one at a time, hence the lock, taken by a statement of
its own, before that moment.

When all shorteners are down, the changes wait in their tables. When more come than there is time
for, they wait too. What waits has a bound: when links are noted twice over, all links are noted
once instead, in the order of their ids, in which looking them up is quickest. So counts get later,
by as long as it takes to look all links up once, and are never wrong.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.metrics import ShortenerMetrics
from shortener.transactions import TRY_LATER, write

log = structlog.get_logger()

INTERVAL_S = 0.5
"""Between looks when there is nothing to do."""
MAX_REST_S = 60.0
MAX_LINKS = 500
"""Of one step, as many as are noted in one row: some hundredths of a second's work."""
MAX_WAITING = 2_000_000
"""Links; beyond that, and beyond twice as many as there are, all are noted once instead."""

_LOCK = text("""
SELECT pg_try_advisory_xact_lock(hashtext('count folding')) AS is_ours,
    (SELECT coalesce(sum(links), 0) FROM link_visit_changes)::bigint AS waiting
""")
_LINKS = text("SELECT coalesce(sum(links), 0)::bigint FROM link_counts")
_NOTE_ALL_TIMEOUT_S = 600.0
_LONGER = text(f"SET LOCAL statement_timeout = '{_NOTE_ALL_TIMEOUT_S:.0f}s'")
# From the link on that has waited longest, or those with high ids would never have their turn.
_NOTE_ALL = """
WITH oldest AS MATERIALIZED (
    SELECT link_ids[1] AS first_id FROM link_visit_changes ORDER BY id LIMIT 1
),
dropped AS (DELETE FROM link_visit_changes),
noted AS (
    INSERT INTO link_visit_changes (links, link_ids)
    SELECT count(*), array_agg(links.id ORDER BY links.id) FROM links, oldest
    GROUP BY links.id < first_id, links.id / $1
    ORDER BY links.id < first_id, links.id / $1
    RETURNING links
)
SELECT coalesce(sum(links), 0)::bigint FROM noted
"""

_FOLD = text("""
WITH visit_changes AS (
    DELETE FROM link_visit_changes WHERE id = ANY(ARRAY(
        SELECT id FROM (
            SELECT id, links, sum(links) OVER (ORDER BY id) AS through
            FROM (SELECT id, links FROM link_visit_changes ORDER BY id LIMIT :max_links) AS oldest
        ) AS summed WHERE through <= :max_links OR through = links
    )) RETURNING links, link_ids
),
tag_changes AS (
    DELETE FROM link_tag_changes RETURNING link_id, tag_id, links
),
noted AS MATERIALIZED (
    SELECT DISTINCT unnest(link_ids) AS link_id FROM visit_changes
),
visited AS MATERIALIZED (
    SELECT link_id, now.visits - known.visits AS visits,
        now.non_bot_visits - known.non_bot_visits AS non_bot_visits
    FROM noted JOIN link_visits AS known USING (link_id) JOIN links ON links.id = link_id
    CROSS JOIN LATERAL (
        SELECT (imported_visits + coalesce(sum(clicks), 0))::bigint AS visits,
            (imported_visits - imported_bot_visits
                + coalesce(sum(clicks) FILTER (WHERE NOT is_bot), 0))::bigint AS non_bot_visits
        FROM click_counts_total AS counts WHERE counts.link_id = noted.link_id AND type = 'link'
    ) AS now
    WHERE (now.visits, now.non_bot_visits) <> (known.visits, known.non_bot_visits)
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
SELECT coalesce(sum(links), 0)::bigint FROM visit_changes
""")

Sleep = Callable[[float], Awaitable[None]]


class CountFolding:
    """The endless task, of which every shortener has one and one at a time does the work.

    After each step it rests until its work was at most `share` of the time, so a flood of clicks
    makes counts late (`qck_link_visit_changes_waiting`) and nothing else slow. When more than
    `max_waiting` links wait, and more than twice as many as there are, the visits of all links are
    looked up anew, in such steps, which `qck_visit_recounts_total` tells.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        metrics: ShortenerMetrics,
        *,
        share: float,
        max_waiting: int = MAX_WAITING,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._metrics = metrics
        self._share = share
        self._max_waiting = max_waiting
        self._clock = clock
        self._sleep = sleep
        self._is_stuck = False

    async def run(self) -> None:
        """Fold until cancelled."""
        while True:
            began = self._clock()
            is_more = await self.step()
            spent_s = self._clock() - began
            rest_s = min(spent_s * (1 - self._share) / self._share, MAX_REST_S)
            await self._sleep(rest_s if is_more else max(rest_s, INTERVAL_S))

    async def step(self) -> bool:
        """Fold some of what was noted, and tell whether it left more of it.

        What cannot be done is left to the next step.
        """
        try:
            left = await write(self._engine, self._fold)
        except TRY_LATER as error:
            # Or not migrated yet.
            if not self._is_stuck:
                log.warning("count_folding_stuck", reason=str(error))
            self._is_stuck = True
            return False
        self._is_stuck = False
        return left > 0

    async def _fold(self, connection: AsyncConnection) -> int:
        """Do one step's work; return how many links wait that this shortener may fold next."""
        is_ours, waiting = (await connection.execute(_LOCK)).one()
        self._metrics.visit_changes_waiting.set(waiting)
        if not is_ours:
            return 0
        if waiting > self._max_waiting:
            waiting = await self._note_all(connection, waiting)
        result = await connection.execute(_FOLD, {"max_links": MAX_LINKS})
        left = max(0, int(waiting) - int(result.scalar_one()))
        self._metrics.visit_changes_waiting.set(left)
        return left

    async def _note_all(self, connection: AsyncConnection, waiting: int) -> int:
        """Note each link once if more are noted; return how many links are."""
        if waiting <= 2 * (await connection.execute(_LINKS)).scalar_one():
            return waiting
        log.warning("visits_recounted", waiting=waiting)
        self._metrics.visit_recounts.inc()
        await connection.execute(_LONGER)
        # The driver's own, since the engine gives statements the time of a request of the API.
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None  # noqa: S101 - None only once it was given back
        return int(await driver.fetchval(_NOTE_ALL, MAX_LINKS, timeout=_NOTE_ALL_TIMEOUT_S))
