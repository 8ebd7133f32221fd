"""The rollups: how many clicks each link has, by hour and over all time, bots apart."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from click_ingest.driver_connection import Connection
from click_ingest.user_agent import UserAgent
from shared.click_delta import HOUR_S, ORPHANS
from shared.click_event import ClickEvent

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


def hours_of(clicks: Sequence[ClickEvent]) -> list[int]:
    """Return the hour of each click, counted since 1970 (UTC)."""
    if not clicks:
        return []
    moments = [click.clicked_at for click in clicks]
    first, last = _hour_of(min(moments)), _hour_of(max(moments))
    # Nearly always all of one hour, and comparing moments costs a fifth of computing with them.
    return [first] * len(moments) if first == last else [_hour_of(each) for each in moments]


def _hour_of(moment: datetime) -> int:
    return int(moment.timestamp()) // HOUR_S


async def record(
    connection: Connection,
    clicks: Sequence[ClickEvent],
    hours: Sequence[int],
    recognise: Callable[[str], UserAgent],
) -> None:
    """Count these clicks, which must be new rows, within the caller's transaction."""
    counts = Counter(
        zip(
            [click.link_id or ORPHANS for click in clicks],
            [click.type for click in clicks],
            hours,
            [recognise(click.user_agent).is_bot for click in clicks],
            strict=True,
        )
    )
    if not counts:
        return
    link_ids, types, counted_hours, bots = zip(*counts, strict=True)
    moments = {hour: datetime.fromtimestamp(hour * HOUR_S, UTC) for hour in set(hours)}
    await connection.execute(
        _RECORD,
        link_ids,
        types,
        [moments[hour] for hour in counted_hours],
        bots,
        list(counts.values()),
    )
