"""Counting all again: `python -m click_ingest.reconcile`, or `make reconcile`.

Rows of `clicks`, both rollups and the ledger, as of one moment, and what the broker had and the
database lacks. What the API was asked to delete is in the ledger only. Where retention has dropped
partitions, rows are compared from the oldest one on.
Reads every click, some millions a second; exits with 1 when anything differs.
"""

import asyncio
import os
import sys
from collections.abc import Mapping

import asyncpg
import msgspec

from shared.db.errors import DATABASE_ERRORS
from shared.settings import DatabaseSettings, SettingsError, load

_COUNTS = """
WITH by_hour AS (
    SELECT coalesce(link_id, 0) AS link_id, type, is_bot,
        date_trunc('hour', clicked_at, 'UTC') AS hour, count(*) AS clicks
    FROM clicks GROUP BY 1, 2, 3, 4
), first AS (
    -- Partitions begin at midnight.
    SELECT coalesce(date_trunc('day', min(hour), 'UTC'), 'infinity') AS hour FROM by_hour
), counted AS (
    SELECT * FROM click_counts_hourly WHERE hour >= (SELECT hour FROM first)
)
SELECT
    (SELECT coalesce(sum(clicks), 0) FROM by_hour)::bigint AS rows,
    (SELECT coalesce(sum(clicks), 0) FROM counted)::bigint AS by_hour,
    (SELECT count(*) FROM by_hour FULL JOIN counted USING (link_id, type, is_bot, hour)
        WHERE by_hour.clicks IS DISTINCT FROM counted.clicks) AS hours_that_differ,
    (SELECT coalesce(sum(clicks), 0) FROM click_counts_hourly)::bigint AS all_hours,
    (SELECT coalesce(sum(clicks), 0) FROM click_counts_total)::bigint AS total,
    (SELECT coalesce(sum(stored), 0) FROM click_sources)::bigint AS ledger,
    (SELECT coalesce(sum(missing), 0) FROM click_ledger)::bigint AS missing,
    (SELECT coalesce(sum(in_flight), 0) FROM click_ledger)::bigint AS in_flight,
    (SELECT count(*) FROM click_deletions WHERE NOT is_asked_for) AS deleted,
    (SELECT count(*) FROM click_deletions WHERE is_asked_for) AS asked_for
"""


class ReconcileSettings(msgspec.Struct, frozen=True):
    """What the command reads."""

    database: DatabaseSettings


async def read_counts(database_url: str) -> dict[str, int]:
    """Count everything in one snapshot."""
    connection = await asyncpg.connect(database_url, timeout=5)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            row = await connection.fetchrow(_COUNTS)
    finally:
        await connection.close()
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    return dict(row)


def differences(counts: Mapping[str, int]) -> list[str]:
    """Return a sentence for everything that does not add up."""
    rows, deleted = counts["rows"], counts["deleted"]
    found = []
    if counts["hours_that_differ"] or counts["by_hour"] != rows + deleted:
        found.append(
            f"{rows:,} rows, but {counts['by_hour']:,} counted by hour"
            f" ({counts['hours_that_differ']:,} counts differ)"
        )
    if counts["all_hours"] != counts["total"]:
        found.append(f"{counts['all_hours']:,} counted by hour, but {counts['total']:,} in total")
    if counts["ledger"] != counts["total"] + counts["asked_for"]:
        found.append(
            f"{counts['total']:,} counted and {counts['asked_for']:,} deleted through the API, but"
            f" {counts['ledger']:,} in the ledger (more are right if visits of days were deleted"
            " that retention had dropped)"
        )
    if counts["missing"]:
        found.append(
            f"{counts['missing']:,} clicks that the broker had are not here: make ledger shows of"
            " which spools; after a restore, those that were stored since the backup"
        )
    if deleted:
        found.append(f"{deleted:,} stored clicks were deleted: see click_deletions")
    return found


def render(counts: Mapping[str, int]) -> str:
    """Make the table, and a line for everything that is wrong."""
    names = {
        "rows": "rows of clicks",
        "by_hour": "counted by hour, since the oldest row",
        "total": "counted in total",
        "asked_for": "deleted through the API",
        "ledger": "stored, by the ledger",
        "in_flight": "on their way",
        "missing": "missing",
    }
    lines = [f"{title:40}{counts[name]:>15,}" for name, title in names.items()]
    return "\n".join([*lines, *(differences(counts) or ["everything adds up"])])


def main() -> None:
    """Reconcile the database that the environment names."""
    try:
        settings = load(ReconcileSettings, os.environ)  # noqa: TID251 - an entry point
        counts = asyncio.run(read_counts(settings.database.url.reveal()))
    except (SettingsError, *DATABASE_ERRORS) as error:
        raise SystemExit(f"reconcile: {error}") from None
    print(render(counts))  # noqa: T201 - what the command is for
    sys.exit(1 if differences(counts) else 0)


if __name__ == "__main__":
    main()
