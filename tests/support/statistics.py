"""Statistics by day that are made from the rows of clicks, to compare with those that are kept."""

from collections import defaultdict
from datetime import UTC
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.statistics_keeper import StatisticsKeeper
from shared.day_statistics import DayStatistics, decode_day, source_values
from shared.metrics import IngestMetrics
from shared.visitor_sketch import MAX_EXACT
from tests.support.database import fetch

_ROWS = """
SELECT clicks.*, links.id AS known_link, coalesce(domains.id, 0) AS domain_id, array(
    SELECT tag_id FROM link_tags WHERE link_tags.link_id = clicks.link_id
) AS tags
FROM clicks
LEFT JOIN links ON links.id = clicks.link_id
LEFT JOIN domains ON domains.authority = links.domain AND domains.authority <> ''
"""

Key = tuple[str, int, Any]


def a_keeper(engine: AsyncEngine, **changes: Any) -> StatisticsKeeper:
    """Make the worker's keeper of statistics."""
    metrics = IngestMetrics(CollectorRegistry())
    return StatisticsKeeper(engine, metrics, **{"share": 0.5, **changes})


async def fold_all(engine: AsyncEngine) -> None:
    """Fold until nothing is left to do."""
    keeper = a_keeper(engine)
    while await keeper.step():
        pass


async def assert_statistics_are_rows(database_url: str) -> None:
    """Compare every day of every scope with the clicks that are stored.

    Visitors are compared where they must be right: while they are few and nothing was deleted.
    """
    expected: defaultdict[Key, DayStatistics] = defaultdict(DayStatistics)
    visitors: defaultdict[Key, set[str]] = defaultdict(set)
    for row in await fetch(database_url, _ROWS):
        moment = row["clicked_at"].astimezone(UTC)
        scopes: list[tuple[str, int]] = [("orphan", 0)]
        if row["link_id"] is not None:
            scopes = [("link", row["link_id"]), ("non_orphan", 0)]
            scopes += [("domain", row["domain_id"])] if row["known_link"] else []
            scopes += [("tag", tag) for tag in row["tags"]]
        values = source_values(
            row["referer"], row["browser"], row["operating_system"], row["device"], row["country"]
        )
        for scope in scopes:
            key = (*scope, moment.date())
            expected[key].add(moment.hour, values, 1, int(row["is_bot"]))
            visitors[key] |= {row["visitor"]} - {None}
    kept = await fetch(database_url, "SELECT * FROM click_statistics")
    found = {(row["scope"], row["scope_id"], row["day"]): row for row in kept}
    assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
    deleted = await fetch(database_url, "SELECT FROM click_deletions LIMIT 1")
    for key, row in found.items():
        total = expected[key].total()
        assert (row["clicks"], row["bots"]) == (total.clicks, total.bots), key
        assert _without_zeros(decode_day(row["statistics"])) == expected[key], key
        if not deleted and len(visitors[key]) <= MAX_EXACT:
            assert row["visitors"] == len(visitors[key]), key


def _without_zeros(day: DayStatistics) -> DayStatistics:
    """Leave out what a deletion has emptied."""
    day.hours = {hour: counts for hour, counts in day.hours.items() if counts.clicks}
    return day
