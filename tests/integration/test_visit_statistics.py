"""Statistics and exports through the API, with clicks that were really stored and folded."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.click_writer import ClickWriter
from shared.click_event import ClickEvent
from shortener.export_store import ExportStore
from tests.support.clicks import a_click, a_message
from tests.support.database import fetch
from tests.support.ingest import write
from tests.support.short_urls import create
from tests.support.statistics import fold_all

DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
RANGE = {
    "startDate": (DAY - timedelta(days=1)).isoformat(),
    "endDate": (DAY + timedelta(hours=23)).isoformat(),
}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def statistics(client: httpx2.AsyncClient, path: str, **params: Any) -> dict[str, Any]:
    """Ask for statistics, which must be answered."""
    answer = await client.get(path, params={**RANGE, **params})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["statistics"]
    return found


def from_twitter(link_id: int, visitor: str) -> ClickEvent:
    """Make a click of today with Firefox."""
    return a_click(
        link_id=link_id,
        clicked_at=DAY,
        visitor=visitor,
        user_agent=FIREFOX,
        referer="https://t.co/x",
    )


@pytest.fixture
async def links(client: httpx2.AsyncClient, database_url: str, writer: ClickWriter,
                engine: AsyncEngine) -> dict[str, int]:  # fmt: skip
    """Two links with a tag, one of them on a domain, and clicks of two days on both."""
    await create(client, customSlug="one", tags=["t"])
    await create(client, customSlug="two", tags=["t"], domain="own.test")
    rows = await fetch(database_url, "SELECT id, short_code FROM links")
    ids = {row["short_code"]: row["id"] for row in rows}
    at = DAY - timedelta(hours=2)
    people = [f"{number}{'0' * 31}" for number in range(1, 8)]
    clicks = [
        *[a_click(link_id=ids["one"], clicked_at=at, visitor=who) for who in people[:4] * 2],
        a_click(
            link_id=ids["one"], clicked_at=at, visitor=None, user_agent="curl/8.5.0", country="NL"
        ),
        *[from_twitter(ids["two"], who) for who in people[2:]],
        a_click(link_id=ids["one"], clicked_at=DAY, visitor=people[3], referer=""),
        a_click(link_id=None, type="base_url", clicked_at=DAY, visitor=people[0]),
    ]
    await write(writer, a_message(clicks))
    await fold_all(engine)
    return ids


async def test_a_short_url(client: httpx2.AsyncClient, links: dict[str, int]) -> None:
    """Series, lists and visitors of one short URL."""
    found = await statistics(client, "/short-urls/one/statistics")
    assert found["visits"] == {"total": 10, "nonBots": 9, "bots": 1}
    assert [point["visits"]["total"] for point in found["series"]] == [9, 1]
    assert [each["visitors"] for each in found["uniqueVisitors"]] == [4, 1]
    top = found["top"]
    assert [item["value"] for item in top["referers"]["items"]] == ["example.org", None]
    assert [item["value"] for item in top["browsers"]["items"]] == ["Chrome", "curl"]
    assert set(top) == {"referers", "browsers", "operatingSystems", "devices", "countries"}
    assert [(item["value"], item["visits"]["total"]) for item in top["countries"]["items"]] == [
        (None, 9),
        ("NL", 1),
    ]


async def test_bots_are_left_out_and_lists_are_cut(
    client: httpx2.AsyncClient, links: dict[str, int]
) -> None:
    """What is beyond the limit is in `other`, and without bots there are none anywhere."""
    found = await statistics(client, "/short-urls/one/statistics", excludeBots="true", limit="1")
    assert found["visits"] == {"total": 9, "nonBots": 9, "bots": 0}
    referers = found["top"]["referers"]
    assert [item["visits"]["total"] for item in referers["items"]] == [8]
    assert referers["other"] == {"total": 1, "nonBots": 1, "bots": 0}
    assert [item["value"] for item in found["top"]["browsers"]["items"]] == ["Chrome"]


@pytest.mark.parametrize("few_links", [200, 0], ids=["link by link", "summed up"])
async def test_tags_and_domains_and_everything(
    client: httpx2.AsyncClient,
    links: dict[str, int],
    few_links: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A visitor of two links is one of the tag, and one of everything."""
    monkeypatch.setattr("shortener.visit_scope.FEW_LINKS", few_links)
    expected = {
        "/tags/t/statistics": (15, [4, 5]),
        "/domains/DEFAULT/statistics": (10, [4, 1]),
        "/domains/own.test/statistics": (5, [5]),
        "/visits/non-orphan/statistics": (15, [4, 5]),
        "/visits/orphan/statistics": (1, [1]),
        "/visits/statistics": (16, [4, 6]),
    }
    for path, (total, visitors) in expected.items():
        found = await statistics(client, path)
        assert found["visits"]["total"] == total, path
        assert [each["visitors"] for each in found["uniqueVisitors"]] == visitors, path
        assert sum(point["visits"]["total"] for point in found["series"]) == total, path


async def test_the_default_domain_counts_on_when_it_gets_redirects(
    client: httpx2.AsyncClient,
    links: dict[str, int],
    writer: ClickWriter,
    engine: AsyncEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its days stay one row each, though it is a row among the domains from then on."""
    monkeypatch.setattr("shortener.visit_scope.FEW_LINKS", 0)
    redirects = {"domain": "DEFAULT", "baseUrlRedirect": "https://example.org/"}
    answer = await client.patch("/domains/redirects", json=redirects)
    assert answer.status_code == 200, answer.text
    await write(writer, a_message([a_click(link_id=links["one"], clicked_at=DAY)]))
    await fold_all(engine)
    found = await statistics(client, "/domains/DEFAULT/statistics")
    assert found["visits"]["total"] == 11
    listed = await client.get("/domains/DEFAULT/visits")
    assert listed.json()["visits"]["pagination"]["totalItems"] == 11
    assert len(listed.json()["visits"]["data"]) == 11


async def test_days_are_those_of_the_time_zone(
    client: httpx2.AsyncClient, links: dict[str, int]
) -> None:
    """Two hours before midnight UTC it is the next day already in Tokyo."""
    found = await statistics(client, "/tags/t/statistics", timeZone="Asia/Tokyo")
    assert found["timeZone"] == "Asia/Tokyo"
    by_day = {point["start"][:10]: point["visits"]["total"] for point in found["series"]}
    assert by_day[f"{DAY:%Y-%m-%d}"] == 15
    hourly = await statistics(client, "/tags/t/statistics", unit="hour")
    totals = [point["visits"]["total"] for point in hourly["series"]]
    assert [total for total in totals if total] == [9, 6]
    assert len(hourly["series"]) == 48


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"timeZone": "Mars/Olympus"}, "timeZone"),
        ({"timeZone": "../../etc/passwd"}, "timeZone"),
        ({"unit": "week"}, "unit"),
        ({"limit": "0"}, "limit"),
        ({"startDate": "2020-01-01", "endDate": "2026-01-01"}, "startDate"),
        ({"startDate": "2026-01-02", "endDate": "2026-01-01"}, "endDate"),
        ({"startDate": "0001-01-01", "endDate": "0001-01-02"}, "startDate"),
        ({"endDate": "0001-01-01"}, "startDate"),
        ({"startDate": "9999-12-31"}, "startDate"),
    ],
)
async def test_bad_questions_are_told_by_field(
    client: httpx2.AsyncClient, params: dict[str, str], field: str
) -> None:
    """Unknown zones and units, and ranges that are too long or upside down."""
    answer = await client.get("/visits/statistics", params=params)
    assert answer.status_code == 400
    assert answer.json()["invalidElements"] == [field]


async def test_visits_are_exported_in_chunks(
    client: httpx2.AsyncClient, links: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every visit once, newest first, in both formats, however small the chunks."""
    monkeypatch.setattr("shortener.export_store.CHUNK", 4)
    for path, total in (
        ("/tags/t/visits/export", 15),
        ("/short-urls/one/visits/export", 10),
        ("/domains/DEFAULT/visits/export", 10),
        ("/visits/non-orphan/export", 15),
        ("/visits/orphan/export", 1),
    ):
        answer = await client.get(path)
        assert answer.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert len(rows) == total, path
        assert [row["date"] for row in rows] == sorted((row["date"] for row in rows), reverse=True)
        ndjson = await client.get(path, params={"format": "ndjson"})
        objects = [msgspec.json.decode(line) for line in ndjson.content.splitlines()]
        assert [each["date"] for each in objects] == [row["date"] for row in rows]
    assert (await client.get("/tags/none/visits/export")).status_code == 404
    assert (await client.get("/visits/orphan/export", params={"format": "xml"})).status_code == 400
    people = await client.get(
        "/short-urls/one/visits/export", params={"excludeBots": "1", "format": "ndjson"}
    )
    assert len(people.content.splitlines()) == 9


@pytest.mark.parametrize("path", ["/tags/t/visits/export", "/short-urls/export"])
async def test_head_of_an_export_reads_nothing_to_send(
    client: httpx2.AsyncClient,
    links: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    """The headers are GET's; only the first chunk of rows is read, which decides the status."""
    monkeypatch.setattr("shortener.export_store.CHUNK", 1)
    chunks = 0
    for name in ("_visits", "_links"):
        read = getattr(ExportStore, name)

        async def counted(*of: Any, read: Any = read) -> Any:
            nonlocal chunks
            chunks += 1
            return await read(*of)

        monkeypatch.setattr(ExportStore, name, counted)
    head = await client.head(path)
    assert (head.status_code, head.content, chunks) == (200, b"", 1)
    assert "content-length" not in head.headers
    answer = await client.get(path)
    assert chunks > 2
    for name in ("content-type", "content-disposition"):
        assert head.headers[name] == answer.headers[name]
    assert (await client.head("/tags/none/visits/export")).status_code == 404


async def test_an_export_of_nothing(client: httpx2.AsyncClient) -> None:
    """Is a header line, or nothing at all."""
    for path in ("/visits/orphan/export", "/visits/non-orphan/export", "/short-urls/export"):
        table = await client.get(path)
        assert (table.status_code, table.text.count("\n")) == (200, 1)
        lines = await client.get(path, params={"format": "ndjson"})
        assert (lines.status_code, lines.content) == (200, b"")


async def test_links_are_exported_in_chunks(
    client: httpx2.AsyncClient, links: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every link once with its counts; a title is no formula."""
    monkeypatch.setattr("shortener.export_store.CHUNK", 1)
    await create(client, customSlug="three", title="=1+1", tags=["a", "b"])
    answer = await client.get("/short-urls/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="short-urls.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["shortCode"] for row in rows] == ["three", "two", "one"]
    assert (rows[0]["title"], rows[0]["tags"]) == ("'=1+1", "a|b")
    columns = ("visits", "nonBotVisits", "botVisits")  # our own import reads the first and last
    assert [rows[2][column] for column in columns] == ["10", "9", "1"]
    ndjson = await client.get("/short-urls/export", params={"format": "ndjson"})
    first = msgspec.json.decode(ndjson.content.splitlines()[0])
    assert (first["title"], first["tags"]) == ("=1+1", ["a", "b"])
