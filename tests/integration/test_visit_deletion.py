"""Visits deleted through the API: nothing of them is left, and all that is left agrees."""

import asyncio
from datetime import timedelta

import asyncpg
import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.click_writer import ClickWriter
from tests.support.clicks import a_click, a_message
from tests.support.database import fetch
from tests.support.ingest import assert_counts_are_rows, ledger, until, write
from tests.support.short_urls import create
from tests.support.statistics import assert_statistics_are_rows, fold_all
from tests.support.visits import NOW, awkward_clicks, make_links, page, scanned


async def test_deleted_visits_leave_everything_in_agreement(
    client: httpx2.AsyncClient,
    database_url: str,
    engine: AsyncEngine,
    writer: ClickWriter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rows, counts, statistics and ledger agree after deletions, chunk by chunk, folded or not."""
    monkeypatch.setattr("shortener.visit_deletion.CHUNK", 10)
    ids = await make_links(client, database_url)
    message = a_message(awkward_clicks(ids))
    await write(writer, message)
    for path, where in (
        ("/short-urls/two/visits?domain=own.test", "links.short_code = 'two'"),
        ("/visits/orphan", "link_id IS NULL"),
    ):
        stored = len(await scanned(database_url, where))
        assert (await client.delete(path)).json() == {"deletedVisits": stored}
        assert (await client.delete(path)).json() == {"deletedVisits": 0}
        await assert_counts_are_rows(database_url)
        await fold_all(engine)
        await assert_statistics_are_rows(database_url)
        assert (await page(client, path))["data"] == []
    summary = (await client.get("/short-urls/two", params={"domain": "own.test"})).json()
    assert summary["visitsSummary"] == {"total": 0, "nonBots": 0, "bots": 0}
    (source,) = await fetch(database_url, "SELECT * FROM click_sources")
    (rows,) = await fetch(
        database_url,
        "SELECT (SELECT count(*) FROM clicks) AS left, count(*) AS deleted,"
        " count(*) FILTER (WHERE is_asked_for) AS asked FROM click_deletions",
    )
    assert source["stored"] == rows["left"] + rows["deleted"]
    assert rows["deleted"] == rows["asked"] > 0
    assert (await ledger(database_url, source["source"]))[3] == 0


async def test_a_reset_lets_a_link_be_visited_anew(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """What was taken of the limit, and what an import brought, is forgotten with the rest."""
    await create(client, customSlug="one", maxVisits=5)
    await fetch(
        database_url,
        "UPDATE links SET visits_left = 0, imported_visits = 9, imported_bot_visits = 4",
    )
    assert (await client.delete("/short-urls/one/visits")).json() == {"deletedVisits": 0}
    (row,) = await fetch(database_url, "SELECT visits_left, imported_visits FROM links")
    assert (row["visits_left"], row["imported_visits"]) == (5, 0)
    summary = (await client.get("/short-urls/one")).json()["visitsSummary"]
    assert summary == {"total": 0, "nonBots": 0, "bots": 0}


async def test_a_reset_forgets_what_retention_has_dropped(
    client: httpx2.AsyncClient, database_url: str, writer: ClickWriter
) -> None:
    """Counts of days whose clicks are gone for good go with the rest."""
    ids = await make_links(client, database_url)
    await write(writer, a_message([a_click(link_id=ids["one"]) for _ in range(3)]))
    await fetch(
        database_url,
        "INSERT INTO click_counts_hourly VALUES ($1, 'link', '2020-01-01', false, 5)",
        ids["one"],
    )
    await fetch(database_url, "UPDATE click_counts_total SET clicks = clicks + 5")
    assert (await client.get("/short-urls/one")).json()["visitsSummary"]["total"] == 8
    assert (await client.delete("/short-urls/one/visits")).json() == {"deletedVisits": 3}
    assert (await client.get("/short-urls/one")).json()["visitsSummary"]["total"] == 0
    await assert_counts_are_rows(database_url)


async def test_visits_outlive_their_link(
    client: httpx2.AsyncClient, database_url: str, engine: AsyncEngine, writer: ClickWriter
) -> None:
    """A deleted link's visits stay, and count among those of all short URLs."""
    ids = await make_links(client, database_url)
    await write(writer, a_message([a_click(link_id=ids["one"]) for _ in range(3)]))
    await fold_all(engine)
    assert (await client.delete("/short-urls/one")).status_code == 204
    overview = (await client.get("/visits")).json()["visits"]
    assert overview["nonOrphanVisits"]["total"] == 3
    assert (await page(client, "/visits/non-orphan"))["pagination"]["totalItems"] == 3


async def test_a_reset_of_orphans_forgets_what_retention_has_dropped(
    client: httpx2.AsyncClient, database_url: str, writer: ClickWriter, engine: AsyncEngine
) -> None:
    """Their days of statistics go with their counts."""
    await write(writer, a_message([a_click(link_id=None, type="base_url")]))
    await fold_all(engine)
    await fetch(
        database_url,
        "INSERT INTO click_statistics SELECT scope, scope_id, '2020-01-01', clicks, bots,"
        " visitors, statistics, sketch FROM click_statistics",
    )
    assert (await client.delete("/visits/orphan")).json() == {"deletedVisits": 1}
    await fold_all(engine)
    assert await fetch(database_url, "SELECT FROM click_statistics") == []


async def test_what_is_deleted_leaves_the_values_that_it_had(
    client: httpx2.AsyncClient, database_url: str, engine: AsyncEngine, writer: ClickWriter
) -> None:
    """Lists of a tag or a domain that other visits are in lose it by name, days after it came."""
    ids = await make_links(client, database_url)
    clicks = [a_click(link_id=ids[code], referer="https://t.co/") for code in ("one", "two")]
    await write(writer, a_message([*clicks, a_click(link_id=ids["one"], referer="")]))
    await fold_all(engine)
    await client.delete("/short-urls/one/visits")
    await fold_all(engine)
    await assert_statistics_are_rows(database_url)
    until_tomorrow = {"endDate": (NOW + timedelta(days=1)).isoformat()}
    answer = await client.get("/visits/non-orphan/statistics", params=until_tomorrow)
    one = {"total": 1, "nonBots": 1, "bots": 0}
    assert answer.json()["statistics"]["top"]["referers"] == {
        "items": [{"value": "t.co", "visits": one}],
        "other": {"total": 0, "nonBots": 0, "bots": 0},
    }


async def test_visits_leave_tags_and_domain_though_their_link_goes_too(
    client: httpx2.AsyncClient, database_url: str, engine: AsyncEngine, writer: ClickWriter
) -> None:
    """The link may be gone when its deleted visits are taken from the days of what it was in."""
    ids = await make_links(client, database_url)
    await write(writer, a_message([a_click(link_id=ids[code]) for code in ("one", "two")]))
    await fold_all(engine)
    for path in ("/short-urls/two/visits", "/short-urls/two"):
        answer = await client.delete(path, params={"domain": "own.test"})
        assert answer.is_success, answer.text
    await fold_all(engine)
    await assert_statistics_are_rows(database_url)


async def test_a_tags_day_that_deletions_empty_is_made_anew_all_the_same(
    client: httpx2.AsyncClient,
    database_url: str,
    engine: AsyncEngine,
    writer: ClickWriter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a link brings to a tag counts, though all else of that day goes before it is added."""
    ids = await make_links(client, database_url)
    await write(writer, a_message([a_click(link_id=ids["one"])]))
    await write(writer, a_message([a_click(link_id=ids["three"])]))
    await fold_all(engine)
    await fetch(
        database_url,
        "INSERT INTO link_tags SELECT $1, id FROM tags WHERE name = 't'",
        ids["three"],
    )
    with monkeypatch.context() as patch:
        patch.setattr("click_ingest.tag_statistics.MAX_DAYS", 0)
        await fold_all(engine)
        await client.delete("/short-urls/one/visits")
        await fold_all(engine)
    await fold_all(engine)
    await assert_statistics_are_rows(database_url)


async def test_who_deletes_beside_somebody_else_is_done_when_all_is(
    client: httpx2.AsyncClient,
    database_url: str,
    writer: ClickWriter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An answer of 200 means that nothing is left, also where another call took the rows away."""
    monkeypatch.setattr("shortener.visit_deletion.CHUNK", 10)
    ids = await make_links(client, database_url)
    await write(writer, a_message([a_click(link_id=ids["one"]) for _ in range(30)]))
    other = await asyncpg.connect(database_url)
    try:
        async with asyncio.TaskGroup() as tasks, other.transaction():
            await other.execute("SET LOCAL qck.deletion_is_asked_for = 'on'")
            await other.execute("DELETE FROM clicks WHERE id IN (SELECT id FROM clicks LIMIT 10)")
            answering = tasks.create_task(client.delete("/short-urls/one/visits"))
            await until(lambda: is_waiting_for_a_row(database_url))
    finally:
        await other.close()
    assert answering.result().json() == {"deletedVisits": 20}
    assert await scanned(database_url, "link_id IS NOT NULL") == []


async def is_waiting_for_a_row(database_url: str) -> bool:
    """Tell whether some statement waits for another transaction."""
    return await fetch(database_url, "SELECT FROM pg_locks WHERE NOT granted") != []
