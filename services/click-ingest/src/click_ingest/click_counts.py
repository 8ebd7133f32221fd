"""The rollups: how many clicks each link has, by hour and over all time, bots apart."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import asyncpg

from click_ingest.user_agent import UserAgent
from shared.click_event import ClickEvent

HOUR_S = 3600

# ORDER BY the key: upserts in any other order make workers deadlock on each other's keys.
_RECORD = """
WITH counted AS (
    SELECT link_id, type, hour, is_bot, clicks
    FROM unnest($1::bigint[], $2::click_type[], $3::timestamptz[], $4::boolean[], $5::bigint[])
        AS entry (link_id, type, hour, is_bot, clicks)
),
hourly AS (
    INSERT INTO click_counts_hourly AS counts (link_id, type, hour, is_bot, clicks)
    SELECT link_id, type, hour, is_bot, clicks FROM counted ORDER BY 1, 2, 3, 4
    ON CONFLICT (link_id, type, hour, is_bot)
    DO UPDATE SET clicks = counts.clicks + excluded.clicks
)
INSERT INTO click_counts_total AS counts (link_id, type, is_bot, clicks)
SELECT link_id, type, is_bot, sum(clicks) FROM counted GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (link_id, type, is_bot)
DO UPDATE SET clicks = counts.clicks + excluded.clicks
"""


async def record(
    connection: "asyncpg.Connection[asyncpg.Record]",
    clicks: Sequence[ClickEvent],
    recognise: Callable[[str], UserAgent],
) -> None:
    """Count these clicks, which must be new rows, within the caller's transaction."""
    counts = Counter(
        (
            click.link_id or 0,  # what orphans count under
            click.type,
            click.clicked_at.timestamp() // HOUR_S,
            recognise(click.user_agent).is_bot,
        )
        for click in clicks
    )
    if not counts:
        return
    link_ids, types, hours, bots = zip(*counts, strict=True)
    moments = {hour: datetime.fromtimestamp(hour * HOUR_S, UTC) for hour in set(hours)}
    await connection.execute(
        _RECORD, link_ids, types, [moments[hour] for hour in hours], bots, list(counts.values())
    )
