"""Folding counts on a real PostgreSQL: small steps, and counting anew when too much waits."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.engine import create_engine
from shared.metrics import ShortenerMetrics
from shared.settings import Secret
from shortener.count_folding import MAX_LINKS, CountFolding
from tests.support.database import fetch

LINKS = 2 * MAX_LINKS + 1
CREATE = (
    "INSERT INTO links (short_code, long_url, long_url_hash)"
    " SELECT n::text, '', '' FROM generate_series(1, $1::int) AS n"
)
TAG = (
    "WITH tag AS (INSERT INTO tags (name) VALUES ('t') RETURNING id)"
    " INSERT INTO link_tags SELECT links.id, tag.id FROM links, tag"
)
CLICK = (
    "INSERT INTO click_counts_total AS counts SELECT id, 'link', id % 2 = 0, 1 FROM links"
    " ON CONFLICT (link_id, type, is_bot) DO UPDATE SET clicks = counts.clicks + excluded.clicks"
)
OF_LINKS = "SELECT sum(visits)::int, sum(non_bot_visits)::int FROM link_visits"
OF_TAG = "SELECT links::int, visits::int, non_bot_visits::int FROM tag_counts"


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a database with some links, all of them tagged and clicked once."""
    engine = create_engine(
        Secret(database_url), application_name="tests", pool_size=2, statement_timeout_s=5
    )
    await fetch(database_url, CREATE, LINKS)
    await fetch(database_url, TAG)
    await fetch(database_url, CLICK)
    yield engine
    await engine.dispose()


@pytest.fixture
def registry() -> CollectorRegistry:
    """What the folding tells."""
    return CollectorRegistry()


def a_folding(engine: AsyncEngine, registry: CollectorRegistry, **changes: Any) -> CountFolding:
    """Make the shortener's task."""
    return CountFolding(engine, ShortenerMetrics(registry), **{"share": 0.5, **changes})


async def fold_all(folding: CountFolding) -> None:
    """Fold until nothing is left to do."""
    while await folding.step():
        pass


async def assert_counts(url: str, visits: int, non_bots: int) -> None:
    """Compare what can be ordered by with the visits that there are."""
    assert [tuple(row) for row in await fetch(url, OF_LINKS)] == [(visits, non_bots)]
    assert [tuple(row) for row in await fetch(url, OF_TAG)] == [(LINKS, visits, non_bots)]


async def test_a_step_folds_some_links_and_tells_what_waits(
    engine: AsyncEngine, database_url: str, registry: CollectorRegistry
) -> None:
    """Five hundred links, oldest first, until none waits; links and tags agree after each."""
    folding = a_folding(engine, registry)
    for folded, left in ((MAX_LINKS, True), (2 * MAX_LINKS, True), (LINKS, False)):
        assert await folding.step() == left
        assert registry.get_sample_value("qck_link_visit_changes_waiting") == LINKS - folded
        await assert_counts(database_url, folded, (folded + 1) // 2)
    assert not await folding.step()


async def test_what_was_noted_twice_counts_once(
    engine: AsyncEngine, database_url: str, registry: CollectorRegistry
) -> None:
    """Visits are looked up, not added: they are those of the rows."""
    await fetch(database_url, CLICK)
    await fetch(
        database_url,
        "INSERT INTO link_visit_changes (links, link_ids)"
        " SELECT links, link_ids FROM link_visit_changes",
    )
    folding = a_folding(engine, registry)
    await fold_all(folding)
    await assert_counts(database_url, 2 * LINKS, 2 * (MAX_LINKS + 1))


async def test_when_too_much_waits_each_link_is_noted_once(
    engine: AsyncEngine, database_url: str, registry: CollectorRegistry
) -> None:
    """Beyond the bound and twice the links; what is folded then is folded in small steps too."""
    folding = a_folding(engine, registry, max_waiting=MAX_LINKS)
    await fetch(database_url, CLICK)
    assert await folding.step()
    assert registry.get_sample_value("qck_visit_recounts_total") == 0
    await fetch(database_url, CLICK)
    await fetch(database_url, CLICK)
    assert await folding.step()
    assert registry.get_sample_value("qck_visit_recounts_total") == 1
    waiting = await fetch(database_url, "SELECT sum(links)::int FROM link_visit_changes")
    assert LINKS - MAX_LINKS <= waiting[0][0] < LINKS
    await fold_all(folding)
    await assert_counts(database_url, 4 * LINKS, 4 * (MAX_LINKS + 1))
    assert registry.get_sample_value("qck_visit_recounts_total") == 1


async def test_links_that_wait_longest_are_the_first_of_all(
    engine: AsyncEngine, database_url: str, registry: CollectorRegistry
) -> None:
    """However often all links are noted anew: none is left out for those with smaller ids."""
    folding = a_folding(engine, registry, max_waiting=0)
    seen: set[int] = set()
    for _ in range(4):
        await fetch(database_url, CLICK)
        await fetch(database_url, CLICK)
        await folding.step()
        visited = "SELECT link_id FROM link_visits WHERE visits > 0"
        seen.update(row["link_id"] for row in await fetch(database_url, visited))
    assert len(seen) == LINKS
    await fold_all(folding)
    await assert_counts(database_url, 9 * LINKS, 9 * (MAX_LINKS + 1))


async def test_one_at_a_time_folds(
    engine: AsyncEngine, database_url: str, registry: CollectorRegistry
) -> None:
    """While another one does, a shortener leaves it to that one."""
    async with engine.begin() as other:
        await other.execute(text("SELECT pg_advisory_xact_lock(hashtext('count folding'))"))
        assert not await a_folding(engine, registry).step()
    assert registry.get_sample_value("qck_link_visit_changes_waiting") == LINKS
    assert await fetch(database_url, OF_TAG) == []
