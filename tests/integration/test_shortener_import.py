"""Links from elsewhere, on real stores: as an API call and as a command."""

import argparse
import csv
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from shared.link_cache import LinkCache
from shared.settings import Secret
from shortener.import_links import import_links
from shortener.link_import.rows import ImportFileError
from shortener.link_import.shlink_server import shlink_rows
from tests.support.api import a_settings
from tests.support.database import fetch
from tests.support.folding import fold
from tests.support.short_urls import count_visits, create

GOLDEN = Path(__file__).parents[1] / "contract" / "golden" / "imports"


async def send(client: httpx2.AsyncClient, content: Any, **query: str) -> list[dict[str, Any]]:
    """Import, which must be taken; return the answer's lines."""
    answer = await client.post("/short-urls/import", params=query, content=content, timeout=60)
    assert answer.status_code == 200, answer.text
    return [msgspec.json.decode(line) for line in answer.content.splitlines()]


def rows(count: int, first: int = 0, visits: int = 1) -> bytes:
    """Make a CSV file."""
    lines = [f"https://example.org/{n},c{n},{visits}" for n in range(first, first + count)]
    return "\n".join(["longUrl,shortCode,visits", *lines]).encode()


async def counted(database_url: str) -> tuple[int, int]:
    """Return how many links there are, and the sum of their imported visits."""
    found = await fetch(database_url, "SELECT count(*), sum(imported_visits)::bigint FROM links")
    return tuple(found[0])


async def test_a_plain_csv(
    client: httpx2.AsyncClient, cache: LinkCache, database_url: str
) -> None:
    """Links come with their dates and visits; what cannot come is named by line and reason."""
    lines = await send(client, (GOLDEN / "plain.csv").read_bytes(), format="csv")
    assert lines[-1] == {
        "done": {"rows": 5, "created": 3, "existing": 0, "updated": 0, "skipped": 2}
    }
    notes = [line["note"] for line in lines if "note" in line]
    assert [(note["row"], note["shortCode"], note["isSkipped"]) for note in notes] == [
        (4, "bad", True), (5, "a/b", True),
    ]  # fmt: skip
    assert notes[0]["reason"].startswith("longUrl: scheme 'javascript'")
    link = (await client.get("/short-urls/plain")).json()
    assert link["dateCreated"] == "2024-05-06T07:08:09+00:00"
    assert link["visitsSummary"] == {"total": 1200, "nonBots": 1000, "bots": 200}
    limited = await fetch(
        database_url, "SELECT visits_left, max_visits FROM links WHERE short_code = 'second'"
    )
    assert tuple(limited[0]) == (7, 10)
    found = (await cache.get_many([("", "plain")]))[0]
    assert found is not None
    assert found.location == link["longUrl"]
    actions = await fetch(database_url, "SELECT DISTINCT action FROM audit_log")
    assert [row["action"] for row in actions] == ["link_imported"]


async def test_imported_visits_are_no_clicks(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """They add to what is clicked here, and are in no rollup."""
    await send(client, b"url,code,clicks\nhttps://a.test/,x,10", format="csv")
    assert not await fetch(database_url, "SELECT FROM click_counts_total")
    await count_visits(database_url, "x", people=3, bots=2)
    link = (await client.get("/short-urls/x")).json()
    assert link["visitsSummary"] == {"total": 15, "nonBots": 13, "bots": 2}
    listed = (await client.get("/short-urls?orderBy=visits-DESC")).json()
    assert listed["shortUrls"]["data"] == [link]


async def test_visits_that_no_sum_could_hold(client: httpx2.AsyncClient) -> None:
    """A link with more visits than a trillion is left out by name, for all counts add up."""
    file = b"url,code,clicks\nhttps://a.test/,a,1000000000000\nhttps://b.test/,b,1000000000001"
    lines = await send(client, file, format="csv")
    (note,) = (line["note"] for line in lines if "note" in line)
    assert (note["row"], note["reason"].partition(":")[0]) == (3, "visits")
    assert (await client.get("/short-urls/a")).json()["visitsSummary"]["total"] == 10**12


async def test_the_same_file_again(client: httpx2.AsyncClient, database_url: str) -> None:
    """Nothing is doubled, also links without a code; newer counts of visits are taken over."""
    file = rows(700) + b"\nhttps://nocode.test/,,1\nhttps://nocode.test/,,1"
    first = await send(client, file, format="csv")
    assert first[-1]["done"] | {"existing": 0} == {
        "rows": 702, "created": 701, "existing": 0, "updated": 0, "skipped": 0,
    }  # fmt: skip
    again = await send(client, file, format="csv")
    assert (again[-1]["done"]["created"], again[-1]["done"]["existing"]) == (0, 702)
    later = await send(client, rows(700, visits=5), format="csv")
    assert later[-1]["done"]["updated"] == 700
    assert await counted(database_url) == (701, 3501)


async def test_a_code_that_leads_elsewhere_is_not_taken(client: httpx2.AsyncClient) -> None:
    """A link of ours is never changed by an import, and a code in the file goes to the first."""
    await create(client, customSlug="c1", longUrl="https://ours.test/")
    lines = await send(client, rows(3) + b"\nhttps://other.test/,c2,1", format="csv")
    notes = [line["note"] for line in lines if "note" in line]
    assert [(note["row"], note["reason"]) for note in notes] == [
        (3, "customSlug: another link has this short code"),
        (5, "customSlug: another link has this short code"),
    ]
    assert (await client.get("/short-urls/c1")).json()["longUrl"] == "https://ours.test/"


async def test_a_file_that_ends_badly(client: httpx2.AsyncClient, database_url: str) -> None:
    """What came before stays, and the last line says what is wrong."""
    lines = await send(client, rows(600) + b'\n"' + b"a" * 70_000, format="csv")
    assert lines[-1]["error"]["type"].endswith("/unreadable-import")
    assert lines[-1]["progress"]["created"] == 500
    assert (await counted(database_url))[0] == 500


async def test_all_to_one_domain(client: httpx2.AsyncClient, database_url: str) -> None:
    """`domain` takes the place of each link's."""
    await send(client, (GOLDEN / "bitly.csv").read_bytes(), format="bitly", domain="go.test")
    found = await fetch(database_url, "SELECT DISTINCT domain FROM links")
    assert [row["domain"] for row in found] == ["go.test"]


async def test_what_is_no_import(client: httpx2.AsyncClient) -> None:
    """A format that there is not, or a file without the column that counts, is a problem."""
    for query, content, name in (
        ({}, b"", "invalid-data"),
        ({"format": "xml"}, b"", "invalid-data"),
        ({"format": "csv", "domain": "a b"}, b"", "invalid-data"),
        ({"format": "csv"}, b"", "unreadable-import"),
        ({"format": "csv"}, b"https://example.org/,one", "unreadable-import"),
        ({"format": "yourls"}, b"https://example.org/,one", "unreadable-import"),
        ({"format": "bitly"}, b"https://example.org/,one", "unreadable-import"),
        ({"format": "shlink-server"}, b"{}", "invalid-data"),
        (
            {"format": "shlink-server"},
            b'{"baseUrl": "ftp://x", "apiKey": "k"}',
            "unreadable-import",
        ),
    ):
        answer = await client.post("/short-urls/import", params=query, content=content)
        assert answer.status_code == 400
        assert answer.json()["type"].endswith(f"/{name}")


async def test_another_server_is_read_page_by_page(client: httpx2.AsyncClient) -> None:
    """A server that speaks Shlink's API, here another face of ours, gives all its links."""
    for n in range(3):
        await create(client, customSlug=f"s{n}", tags=["a"])
    seen: list[str] = []

    async def forward(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.url.path)
        answer = await client.get(
            "/short-urls", params=dict(request.url.params) | {"itemsPerPage": "2"}
        )
        return httpx2.Response(200, content=answer.content)

    transport = httpx2.MockTransport(forward)
    async with shlink_rows("https://old.test/", Secret("k"), transport) as found:
        codes = [row.fields["customSlug"] async for row in found]
    assert codes == ["s0", "s1", "s2"]
    assert seen == ["/rest/v3/short-urls"] * 2


@pytest.mark.parametrize(
    ("status", "content"),
    [(401, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b"{}"), (200, b"[" * 100_000)],
    ids=["status", "no JSON", "no object", "no list", "nested without end"],
)
async def test_a_server_that_is_not_shlink(status: int, content: bytes) -> None:
    """Whatever it answers is an error that says so."""

    async def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=content)

    transport = httpx2.MockTransport(answer)
    async with shlink_rows("https://old.test", Secret("k"), transport) as found:
        with pytest.raises(ImportFileError):
            await anext(found)


async def test_the_command(
    database_url: str, redis_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It imports the same way, without a key, and writes a report of what was skipped."""
    options = argparse.Namespace(
        format="csv",
        file=str(GOLDEN / "plain.csv"),
        report=tmp_path / "new" / "report.csv",
        domain=None,
    )
    counts = await import_links(a_settings(database_url, redis_url), options)
    assert (counts.created, counts.skipped) == (3, 2)
    with options.report.open(newline="", encoding="utf-8") as file:
        report = list(csv.DictReader(file))
    assert [(line["row"], line["outcome"]) for line in report] == [
        ("4", "skipped"), ("5", "skipped"),
    ]  # fmt: skip
    again = await import_links(a_settings(database_url, redis_url), options)
    assert (again.created, again.existing) == (0, 3)


async def test_imported_visits_count_everywhere(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """They order lists and are in the numbers of tags, also when an import raises them."""
    await create(client, customSlug="plain", tags=["a"])
    await send(client, rows(1, visits=3), format="csv")
    await client.patch("/short-urls/c0", json={"tags": ["a"]})
    await send(client, rows(1, visits=7), format="csv")
    await fold(database_url)
    found = (await client.get("/short-urls?orderBy=visits-DESC")).json()["shortUrls"]["data"]
    assert [(link["shortCode"], link["visitsSummary"]["total"]) for link in found] == [
        ("c0", 7), ("plain", 0),
    ]  # fmt: skip
    (tag,) = (await client.get("/tags/stats")).json()["tags"]["data"]
    assert tag["visitsSummary"] == {"total": 7, "nonBots": 7, "bots": 0}
    counts = "SELECT sum(visits)::int, sum(non_bot_visits)::int FROM link_visits"
    assert [tuple(row) for row in await fetch(database_url, counts)] == [(7, 7)]
    await fetch(database_url, "SELECT recount_visits()")
    assert [tuple(row) for row in await fetch(database_url, counts)] == [(7, 7)]
