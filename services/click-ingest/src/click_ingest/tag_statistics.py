"""Days of tags made anew after a link got or lost one: the sum over the links that have it now."""

from collections.abc import Collection
from datetime import date
from typing import NamedTuple

from click_ingest.driver_connection import Connection
from click_ingest.statistics_store import Day, Key, stored_day, write_days

MAX_MARKS = 20
MAX_DAYS = 1
"""Of one step: a day of a tag with ten thousand links takes about a tenth of a second."""
AT_ONCE = 200
"""Days of links that are in memory while they are summed up."""

_TAKE = "SELECT id FROM link_tag_marks ORDER BY id LIMIT $1"
_MAKE_STALE = """
INSERT INTO click_statistics (
    scope, scope_id, day, clicks, bots, visitors, statistics, sketch, is_stale
)
SELECT DISTINCT 'tag'::statistics_scope, tags.id, of_link.day, 0, 0, 0, ''::bytea, ''::bytea, true
FROM link_tag_marks AS mark
JOIN tags ON tags.id = mark.tag_id
JOIN click_statistics AS of_link ON of_link.scope = 'link' AND of_link.scope_id = mark.link_id
WHERE {} = ANY($1::bigint[])
ON CONFLICT (scope, scope_id, day) DO UPDATE SET is_stale = true
"""
_FORGET_DELETED_TAGS = """
DELETE FROM click_statistics WHERE scope = 'tag' AND scope_id IN (
    SELECT tag_id FROM link_tag_marks WHERE id = ANY($1::bigint[]) EXCEPT SELECT id FROM tags
)
"""
_REMOVE = "DELETE FROM link_tag_marks WHERE id = ANY($1::bigint[])"

_STALE = """
UPDATE click_statistics SET is_stale = false WHERE (scope, scope_id, day) IN (
    SELECT scope, scope_id, day FROM click_statistics WHERE is_stale LIMIT $1
) RETURNING scope_id, day
"""
_OF_LINKS = """
SELECT of_link.statistics, of_link.sketch FROM link_tags
JOIN click_statistics AS of_link
    ON of_link.scope = 'link' AND of_link.scope_id = link_tags.link_id AND of_link.day = $2
WHERE link_tags.tag_id = $1
"""


class Renewed(NamedTuple):
    """What one step did."""

    marks: int
    days: int
    cropped: int


async def follow_marks_of(connection: Connection, links: Collection[int]) -> None:
    """Make days stale whose tags these links got or lost, before days of theirs are emptied.

    Within the caller's transaction. The marks stay, and lead nowhere once the days are gone.
    """
    await connection.execute(_MAKE_STALE.format("mark.link_id"), list(links))


async def renew_tags(connection: Connection) -> Renewed:
    """Follow some marks; when no more of them wait, make some stale days anew.

    One that was made anew before would be stale again with the next mark. Within the caller's
    transaction, which holds the lock of all who write statistics.
    """
    marks = [row[0] for row in await connection.fetch(_TAKE, MAX_MARKS)]
    if marks:
        await connection.execute(_MAKE_STALE.format("mark.id"), marks)
        await connection.execute(_FORGET_DELETED_TAGS, marks)
        await connection.execute(_REMOVE, marks)
    stale = await connection.fetch(_STALE, MAX_DAYS) if len(marks) < MAX_MARKS else []
    days: dict[Key, Day] = {
        ("tag", tag, day): await _sum_of_links(connection, tag, day) for tag, day in stale
    }
    cropped = await write_days(connection, days)
    return Renewed(len(marks), len(days), cropped)


async def _sum_of_links(connection: Connection, tag: int, day: date) -> Day:
    total = Day()
    # All at once would be half a gigabyte for a tag with 200,000 links, and others would wait.
    async for statistics, sketch in connection.cursor(_OF_LINKS, tag, day, prefetch=AT_ONCE):
        total.merge(stored_day(statistics, sketch))
    return total
