"""Lists of visits against a real PostgreSQL: page by page what a full scan gives."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.click_writer import ClickWriter
from tests.support.clicks import a_click, a_message
from tests.support.database import fetch
from tests.support.ingest import write
from tests.support.statistics import fold_all
from tests.support.visits import NOW, awkward_clicks, make_links, page, scanned

EMPTY = {
    "currentPage": 1, "pagesCount": 1, "itemsPerPage": 1, "itemsInCurrentPage": 0, "totalItems": 0,
}  # fmt: skip


async def walk(client: httpx2.AsyncClient, path: str, **params: Any) -> list[str]:
    """Ask for all pages from the last to the first; return the visited URLs in their order."""
    last = (await page(client, path, **params))["pagination"]["pagesCount"]
    pages = [await page(client, path, **params, page=number) for number in range(last, 0, -1)]
    total = {each["pagination"]["totalItems"] for each in pages}
    found = [visit["visitedUrl"] for each in reversed(pages) for visit in each["data"]]
    assert total == {len(found)}
    return found


LISTS = [
    ("/short-urls/one/visits", "links.short_code = 'one'"),
    ("/tags/t/visits", "links.short_code IN ('one', 'two')"),
    ("/tags/t/visits?domain=own.test", "links.short_code = 'two'"),
    ("/domains/DEFAULT/visits", "links.short_code IN ('one', 'three')"),
    ("/domains/own.test/visits", "links.short_code = 'two'"),
    ("/visits/non-orphan", "link_id IS NOT NULL"),
    ("/visits/non-orphan?domain=DEFAULT", "links.domain = ''"),
    ("/visits/orphan", "link_id IS NULL"),
    ("/visits/orphan?type=base_url", "type = 'base_url'"),
    ("/visits/orphan?domain=DEFAULT", "link_id IS NULL AND visited_url LIKE '%s.test%'"),
    ("/visits/orphan?domain=test/1", "link_id IS NULL AND visited_url LIKE '%test/1%'"),
]
FOLDED = pytest.mark.parametrize("folded", [0, 60, 200], ids=["not folded", "part", "folded"])


@pytest.mark.parametrize(
    ("few_links", "max_links"),
    [(200, 0), (0, 5000), (0, 0)],
    ids=["few links", "days of links", "all clicks"],
)
@FOLDED
async def test_pages_are_a_full_scan(
    client: httpx2.AsyncClient,
    database_url: str,
    engine: AsyncEngine,
    writer: ClickWriter,
    folded: int,
    few_links: int,
    max_links: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever is folded yet, each list's pages together are all of its rows, in their order."""
    monkeypatch.setattr("shortener.visit_scope.FEW_LINKS", few_links)
    monkeypatch.setattr("shortener.active_links.MAX_LINKS", max_links)
    clicks = awkward_clicks(await make_links(client, database_url))
    await write(writer, a_message(clicks[:folded]))
    await fold_all(engine)
    await write(writer, a_message(clicks[folded:]))
    for path, where in LISTS:
        expected = await scanned(database_url, where)
        assert expected, path
        assert await walk(client, path, itemsPerPage="7") == expected, path
        assert await walk(client, path) == expected, path


@pytest.mark.parametrize("few_links", [200, 0], ids=["link by link", "summed up"])
async def test_dates_cut_hours(
    client: httpx2.AsyncClient,
    database_url: str,
    engine: AsyncEngine,
    writer: ClickWriter,
    few_links: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both dates are inclusive to the second, totals are exact, and bots can be left out."""
    monkeypatch.setattr("shortener.visit_scope.FEW_LINKS", few_links)
    await write(writer, a_message(awkward_clicks(await make_links(client, database_url))))
    await fold_all(engine)
    ranges: Sequence[tuple[timedelta, timedelta]] = (
        (timedelta(hours=3), timedelta(hours=3)),
        (timedelta(hours=9, minutes=3), timedelta(minutes=70)),
        (timedelta(days=2), timedelta(hours=4, minutes=1)),
    )
    for since, until in ranges:
        start, end = NOW - since, NOW - until
        params = {
            "startDate": start.isoformat(), "endDate": end.isoformat(), "itemsPerPage": "9",
            "excludeBots": "false",
        }  # fmt: skip
        for path, where in LISTS:
            wanted = await scanned(
                database_url,
                f"{where} AND NOT is_bot AND clicked_at >= $1 AND clicked_at < $2",
                start,
                end + timedelta(seconds=1),
            )
            assert await walk(client, path, **params) == wanted, (path, since, until)


async def test_a_visit_has_all_members(
    client: httpx2.AsyncClient, database_url: str, writer: ClickWriter
) -> None:
    """The JSON object is that of Shlink; an orphan also has its type."""
    ids = await make_links(client, database_url)
    await write(
        writer,
        a_message([a_click(link_id=ids["one"], clicked_at=NOW, referer="", user_agent="")]),
    )
    orphan = a_click(link_id=None, type="base_url", redirect_url=None, country="GB")
    await write(writer, a_message([orphan]))
    (visit,) = (await page(client, "/short-urls/one/visits"))["data"]
    assert visit == {
        "referer": "", "date": NOW.isoformat(), "userAgent": "", "visitLocation": None,
        "potentialBot": True, "visitedUrl": "https://s.test/code",
        "redirectUrl": "https://example.com/",
    }  # fmt: skip
    (shown,) = (await page(client, "/visits/orphan"))["data"]
    assert (shown["type"], shown["redirectUrl"]) == ("base_url", None)
    assert shown["visitLocation"] == {
        "countryCode": "GB", "countryName": "United Kingdom", "regionName": "", "cityName": "",
        "latitude": 0.0, "longitude": 0.0, "timezone": "", "isEmpty": False,
    }  # fmt: skip


async def test_the_overview_is_fresh(
    client: httpx2.AsyncClient, database_url: str, engine: AsyncEngine, writer: ClickWriter
) -> None:
    """What is stored is in the overview at once, folded or not."""
    clicks = awkward_clicks(await make_links(client, database_url))
    await write(writer, a_message(clicks[:70]))
    await fold_all(engine)
    await write(writer, a_message(clicks[70:]))
    overview = await page(client, "/visits")
    (row,) = await fetch(
        database_url,
        "SELECT count(*) FILTER (WHERE link_id IS NOT NULL) AS total,"
        " count(*) FILTER (WHERE link_id IS NOT NULL AND is_bot) AS bots,"
        " count(*) FILTER (WHERE link_id IS NULL) AS orphans FROM clicks",
    )
    assert overview["nonOrphanVisits"] == {
        "total": row["total"], "bots": row["bots"], "nonBots": row["total"] - row["bots"],
    }  # fmt: skip
    assert overview["orphanVisits"]["total"] == row["orphans"]


async def test_what_is_not_there(client: httpx2.AsyncClient, database_url: str) -> None:
    """Unknown short URLs, tags and domains are problems; what has no visits is an empty page."""
    await make_links(client, database_url)
    for path, kind in (
        ("/short-urls/none/visits", "short-url-not-found"),
        ("/tags/none/visits", "tag-not-found"),
        ("/domains/none.test/visits", "domain-not-found"),
        ("/tags/none/statistics", "tag-not-found"),
        ("/short-urls/none/statistics", "short-url-not-found"),
    ):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (404, kind), path
    assert (await client.delete("/short-urls/none/visits")).status_code == 404
    for params in ({"startDate": "9999-12-31"}, {"endDate": "0001-01-01"}):
        assert (await page(client, "/visits/non-orphan", **params))["data"] == []
        assert (await page(client, "/tags/t/visits", **params))["data"] == []
    for path in ("/short-urls/one/visits", "/tags/t/visits", "/visits/orphan"):
        assert await page(client, path) == {"data": [], "pagination": EMPTY}
    beyond = await page(client, "/visits/non-orphan", page="9", itemsPerPage="5")
    assert beyond["pagination"] == {**EMPTY, "currentPage": 9, "itemsPerPage": 5}
    bad = await client.get("/visits/orphan", params={"type": "link", "startDate": "x"})
    assert bad.status_code == 400
    assert sorted(bad.json()["invalidElements"]) == ["startDate", "type"]
