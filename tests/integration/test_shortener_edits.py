"""Short URLs that are changed and deleted, through the API and on real stores."""

import httpx2
import pytest

from shared.link import Outcome
from shared.link_cache import LinkCache
from tests.support.api import running_shortener
from tests.support.database import fetch
from tests.support.short_urls import count_visits, create, edit


async def test_a_deleted_code_can_be_used_again(
    client: httpx2.AsyncClient, cache: LinkCache
) -> None:
    """The new link is newer than the tombstone of the old one."""
    await create(client, customSlug="x")
    await client.delete("/short-urls/x")
    await create(client, customSlug="x", longUrl="https://b.test/")
    link = (await cache.get_many([("", "x")]))[0]
    assert link is not None
    assert link.location == "https://b.test/"


async def test_visits_come_from_the_totals(client: httpx2.AsyncClient, database_url: str) -> None:
    """People and bots are told apart; the table of clicks is never counted."""
    await create(client, customSlug="x")
    await count_visits(database_url, "x", people=10, bots=2)
    read = (await client.get("/short-urls/x")).json()
    assert read["visitsSummary"] == {"total": 12, "nonBots": 10, "bots": 2}
    assert (await edit(client, "x", title="t"))["visitsSummary"]["total"] == 12


async def test_an_edit_changes_only_what_it_gives(client: httpx2.AsyncClient) -> None:
    """All else stays, tags too; null resets what may be null."""
    created = await create(
        client, customSlug="x", tags=["b", "a"], title="t", validSince="2025-01-01", maxVisits=3
    )
    edited = await edit(client, "x", longUrl="https://b.test", crawlable=True)
    assert edited == created | {
        "longUrl": "https://b.test/", "crawlable": True, "tags": ["a", "b"],
    }  # fmt: skip
    edited = await edit(client, "x", validSince=None, maxVisits=None, title=None, tags=None)
    assert edited["meta"] == {"validSince": None, "validUntil": None, "maxVisits": None}
    assert edited["title"] is None
    assert edited["tags"] == ["a", "b"]
    assert (await edit(client, "x", tags=["C"]))["tags"] == ["c"]
    assert (await edit(client, "x", tags=[]))["tags"] == []
    assert (await client.get("/short-urls/x")).json() == edited | {"tags": []}


async def test_an_edit_of_nothing_changes_nothing(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """Not even the version."""
    created = await create(client, customSlug="x")
    before = await fetch(database_url, "SELECT version FROM links")
    assert await edit(client, "x") == created
    assert await edit(client, "x", customSlug="y", unknown=1) == created
    assert await fetch(database_url, "SELECT version FROM links") == before


async def test_an_edit_must_not_end_a_link_before_it_begins(client: httpx2.AsyncClient) -> None:
    """Also when the other date was given long ago."""
    await create(client, customSlug="x", validSince="2026-02-01")
    answer = await client.patch("/short-urls/x", json={"validUntil": "2026-01-01"})
    assert answer.status_code == 400
    assert answer.json()["reasons"] == {"validUntil": "is before validSince"}
    await edit(client, "x", validUntil="2026-01-01", validSince=None)


async def test_a_link_that_is_valid_since_ever(
    client: httpx2.AsyncClient, cache: LinkCache
) -> None:
    """The first moment of the calendar, which some programs take for none, is stored and read."""
    await create(client, customSlug="x", validSince="0001-01-01T00:00:00Z")
    edited = await edit(client, "x", validSince="0001-01-01T00:00:00Z", title="t")
    assert (await client.get("/short-urls/x")).json() == edited
    assert edited["meta"]["validSince"].startswith("0001-01-01T")
    (link,) = await cache.get_many([("", "x")])
    assert link is not None
    assert link.decide(now_ms=0) is Outcome.REDIRECT


@pytest.mark.parametrize(
    ("max_visits", "taken", "clicked", "new_max", "left"),
    [
        (10, 4, 0, 20, 16),
        (10, 4, 99, 5, 1),
        (10, 4, 0, 3, 0),
        (None, 0, 7, 10, 3),
        (None, 0, 7, 5, 0),
        (10, 4, 7, None, None),
    ],
)
async def test_a_new_visit_limit_counts_what_was_taken(
    client: httpx2.AsyncClient,
    database_url: str,
    max_visits: int | None,
    taken: int,
    clicked: int,
    new_max: int | None,
    left: int | None,
) -> None:
    """Visits under the old limit count; without one, those of people."""
    await create(client, customSlug="x", maxVisits=max_visits)
    await fetch(database_url, "UPDATE links SET visits_left = visits_left - $1", taken)
    await count_visits(database_url, "x", people=clicked, bots=50)
    await edit(client, "x", maxVisits=new_max)
    row = (await fetch(database_url, "SELECT max_visits, visits_left FROM links"))[0]
    assert tuple(row) == (new_max, left)


async def test_an_unknown_link(client: httpx2.AsyncClient) -> None:
    """Whatever was asked of it, and however odd the code."""
    await create(client, customSlug="x")
    for path in [
        "/short-urls/nope",
        "/short-urls/x?domain=d.test",
        "/short-urls/x?domain=a:b:c",
        "/short-urls/%00",
        "/short-urls/a%20b",
        "/short-urls/" + "x" * 500,
        "/short-urls/%ff",
    ]:
        for method, body in (("GET", None), ("PATCH", {"title": "t"}), ("DELETE", None)):
            answer = await client.request(method, path, json=body)
            assert answer.status_code == 404, (method, path)
            assert answer.json()["type"].endswith("/short-url-not-found")


async def test_a_bad_edit_of_an_unknown_link(client: httpx2.AsyncClient) -> None:
    """The body is looked at before the link."""
    answer = await client.patch("/short-urls/nope", json={"maxVisits": "x"})
    assert answer.status_code == 400


async def test_a_deletion_takes_tags_but_not_clicks(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """What was clicked is history."""
    await create(client, customSlug="x", tags=["t"])
    await count_visits(database_url, "x", people=1)
    assert (await client.delete("/short-urls/x")).status_code == 204
    assert (await client.delete("/short-urls/x")).status_code == 404
    assert not await fetch(database_url, "SELECT FROM link_tags")
    assert await fetch(database_url, "SELECT FROM click_counts_total")


async def test_a_popular_link_can_be_protected(database_url: str, redis_url: str) -> None:
    """With a threshold, a link with that many visits stays."""
    async with running_shortener(
        database_url, redis_url, DELETE_SHORT_URL_THRESHOLD="15"
    ) as client:
        await create(client, customSlug="x")
        await create(client, customSlug="y")
        await count_visits(database_url, "x", people=10, bots=5)
        await count_visits(database_url, "y", people=14)
        answer = await client.delete("/short-urls/x")
        assert answer.status_code == 422
        assert (answer.json()["threshold"], answer.json()["shortCode"]) == (15, "x")
        assert (await client.delete("/short-urls/y")).status_code == 204
