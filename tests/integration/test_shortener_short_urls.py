"""Short URLs through the API, on real stores: created, read, edited, deleted."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from shared.link import Link, unknown_link
from shared.link_cache import LinkCache, LinkCacheSettings
from tests.support.api import running_shortener
from tests.support.database import fetch

LONG_URL = "https://example.org/a?b=1"


@pytest.fixture
async def client(database_url: str, redis_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a running shortener with its first key."""
    async with running_shortener(database_url, redis_url) as client:
        yield client


@pytest.fixture
async def cache(redis_url: str) -> AsyncIterator[LinkCache]:
    """The cache as redirectors see it."""
    async with Redis.from_url(redis_url) as redis:
        yield LinkCache(redis, LinkCacheSettings())


async def create(client: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    """Create a short URL, which must succeed."""
    answer = await client.post("/short-urls", json={"longUrl": LONG_URL, **body})
    assert answer.status_code == 200, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def edit(client: httpx2.AsyncClient, code: str, **body: Any) -> dict[str, Any]:
    """Edit a short URL, which must succeed."""
    answer = await client.patch(f"/short-urls/{code}", json=body)
    assert answer.status_code == 200, answer.text
    edited: dict[str, Any] = answer.json()
    return edited


async def count_visits(url: str, code: str, people: int, bots: int = 0) -> None:
    """Put totals into the table that click-ingest keeps."""
    await fetch(
        url,
        "INSERT INTO click_counts_total SELECT id, 'link', is_bot, clicks FROM links,"
        " (VALUES (false, $2::bigint), (true, $3::bigint)) AS counts (is_bot, clicks)"
        " WHERE short_code = $1",
        code,
        people,
        bots,
    )


async def test_a_plain_link(client: httpx2.AsyncClient, database_url: str) -> None:
    """A long URL is enough; the answer is what a later reading gives."""
    created = await create(client)
    code = created["shortCode"]
    assert len(code) == 7
    assert created["shortUrl"] == f"https://s.test/{code}"
    assert created["longUrl"] == LONG_URL
    assert created["domain"] is None
    assert created["visitsSummary"] == {"total": 0, "nonBots": 0, "bots": 0}
    age_s = (datetime.now(UTC) - datetime.fromisoformat(created["dateCreated"])).total_seconds()
    assert -1 < age_s < 10
    assert (await client.get(f"/short-urls/{code}")).json() == created
    row = (await fetch(database_url, "SELECT domain, created_by FROM links"))[0]
    assert tuple(row) == ("", 1)


async def test_a_full_link(client: httpx2.AsyncClient) -> None:
    """Every member that can be given is given back."""
    created = await create(
        client,
        customSlug="my slug",
        domain="D.test",
        tags=["q1", "Promo Two", "q1"],
        title=" A title ",
        validSince="2025-01-01T01:00:00+01:00",
        validUntil="2030-01-01",
        maxVisits=10,
        crawlable=True,
        forwardQuery=False,
    )
    assert created["shortUrl"] == "https://d.test/my-slug"
    assert created["tags"] == ["q1", "promo-two"]
    assert created["title"] == "A title"
    assert created["meta"] == {
        "validSince": "2025-01-01T00:00:00+00:00",
        "validUntil": "2030-01-01T00:00:00+00:00",
        "maxVisits": 10,
    }
    assert (created["domain"], created["crawlable"], created["forwardQuery"]) == (
        "d.test", True, False,
    )  # fmt: skip
    read = (await client.get("/short-urls/my-slug?domain=D.TEST")).json()
    assert read == created | {"tags": ["promo-two", "q1"]}


async def test_a_link_is_in_the_cache_before_the_answer(
    client: httpx2.AsyncClient, cache: LinkCache, database_url: str
) -> None:
    """Create, edit and delete are seen by redirectors at once, and nothing is left to relay."""
    await cache.set_if_newer([(("", "x"), unknown_link())])
    created = await create(client, customSlug="x", maxVisits=5, validSince="2025-01-01")
    row = (await fetch(database_url, "SELECT id, version FROM links"))[0]
    expected = Link(
        version=row["version"],
        link_id=row["id"],
        location=created["longUrl"],
        valid_since_ms=1_735_689_600_000,
        has_visit_limit=True,
    )
    assert await cache.get_many([("", "x")]) == [expected]

    await edit(client, "x", longUrl="https://b.test/", maxVisits=None)
    edited = (await cache.get_many([("", "x")]))[0]
    assert edited is not None
    assert edited.version > expected.version
    assert (edited.location, edited.has_visit_limit) == ("https://b.test/", False)

    assert (await client.delete("/short-urls/x")).status_code == 204
    tombstone = (await cache.get_many([("", "x")]))[0]
    assert tombstone is not None
    assert tombstone.version > edited.version
    assert not tombstone.is_known
    assert not await fetch(database_url, "SELECT FROM link_outbox")


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


async def test_unusual_slugs_work_everywhere(client: httpx2.AsyncClient) -> None:
    """Verbatim in JSON, percent-encoded in a path."""
    for slug in ("😀", "👩‍💻", "ünï", "a.b", "~tilde", "a+b", "a&b=c", "plus;semi"):
        created = await create(client, customSlug=slug)
        assert created["shortUrl"] == f"https://s.test/{slug}"
        assert (await client.get(f"/short-urls/{slug}")).json() == created
        assert (await client.delete(f"/short-urls/{slug}")).status_code == 204


async def test_codes_are_case_sensitive(client: httpx2.AsyncClient) -> None:
    """`a` and `A` are two links."""
    await create(client, customSlug="a")
    await create(client, customSlug="A")
    assert (await client.delete("/short-urls/A")).status_code == 204
    assert (await client.get("/short-urls/a")).status_code == 200


async def test_one_code_on_two_domains(client: httpx2.AsyncClient, database_url: str) -> None:
    """Codes are unique within a domain; the default domain is no row of `domains`."""
    await create(client, customSlug="x")
    await create(client, customSlug="x", domain="d.test")
    await create(client, customSlug="y", domain="S.TEST")
    assert (await client.get("/short-urls/x")).json()["domain"] is None
    assert (await client.get("/short-urls/x?domain=s.test")).json()["domain"] is None
    assert (await client.get("/short-urls/x?domain=d.test")).json()["domain"] == "d.test"
    assert (await client.get("/short-urls/y?domain=d.test")).status_code == 404
    domains = await fetch(database_url, "SELECT authority FROM domains")
    assert [row["authority"] for row in domains] == ["d.test"]


async def test_a_taken_slug(client: httpx2.AsyncClient, database_url: str) -> None:
    """The problem names slug and domain, and nothing of the second attempt stays."""
    await create(client, customSlug="x")
    answer = await client.post(
        "/short-urls", json={"longUrl": LONG_URL, "customSlug": "x", "tags": ["t"]}
    )
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/non-unique-slug")
    assert answer.json()["customSlug"] == "x"
    assert not await fetch(database_url, "SELECT FROM tags")


async def test_a_prefix(client: httpx2.AsyncClient) -> None:
    """It stands before a random code and before a slug."""
    assert (await create(client, pathPrefix="q1-"))["shortCode"].startswith("q1-")
    assert (await create(client, pathPrefix="q1-", customSlug="x"))["shortCode"] == "q1-x"


async def test_a_length(client: httpx2.AsyncClient) -> None:
    """Random codes have the length that was asked for; a slug ignores it."""
    assert len((await create(client, shortCodeLength=12))["shortCode"]) == 12
    assert (await create(client, shortCodeLength=12, customSlug="x"))["shortCode"] == "x"


async def test_a_link_to_one_of_our_domains_is_refused(client: httpx2.AsyncClient) -> None:
    """A redirect to a short domain may be a loop: in a creation, in an edit, with other faults."""
    await create(client, customSlug="x", domain="d.test")
    body = {"longUrl": "http://D.test/x", "maxVisits": 0}
    for answer in (
        await client.post("/short-urls", json=body),
        await client.patch("/short-urls/x?domain=d.test", json=body),
    ):
        assert answer.status_code == 400
        assert answer.json()["invalidElements"] == ["longUrl", "maxVisits"]
        assert "leads back to d.test" in answer.json()["reasons"]["longUrl"]
    assert (await create(client, longUrl="https://d.test:8443/"))["longUrl"]


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


async def test_find_if_exists(client: httpx2.AsyncClient) -> None:
    """The oldest link with the same long URL and all that is given is returned."""
    first = await create(client, customSlug="a", tags=["t", "u"])
    await create(client, customSlug="b")
    limited = await create(client, customSlug="c", maxVisits=5, validUntil="2030-01-01")
    other = await create(client, customSlug="d", domain="d.test")

    async def find(**body: Any) -> str:
        code: str = (await create(client, findIfExists=True, **body))["shortCode"]
        return code

    assert await find() == first["shortCode"]
    assert await find(longUrl="https://EXAMPLE.org:443/a?b=1") == first["shortCode"]
    assert await find(tags=["U", "t"]) == first["shortCode"]
    assert await find(maxVisits=5) == limited["shortCode"]
    assert await find(validUntil="2030-01-01T01:00:00+01:00") == limited["shortCode"]
    assert await find(domain="d.test") == other["shortCode"]
    assert await find(customSlug="b") == "b"
    known = {"a", "b", "c", "d"}
    for difference in (
        {"tags": ["t"]},
        {"maxVisits": 6},
        {"domain": "e.test"},
        {"longUrl": "https://example.org/a?b=2"},
        {"maxVisits": 5, "validSince": "2020-01-01"},
    ):
        assert await find(**difference) not in known
    assert (await create(client))["shortCode"] not in known


async def test_find_if_exists_with_a_taken_slug(client: httpx2.AsyncClient) -> None:
    """A slug of another long URL is taken, not found."""
    await create(client, customSlug="x", longUrl="https://b.test/")
    body = {"longUrl": LONG_URL, "customSlug": "x", "findIfExists": True}
    answer = await client.post("/short-urls", json=body)
    assert answer.json()["type"].endswith("/non-unique-slug")


async def test_all_versions_are_the_same(client: httpx2.AsyncClient) -> None:
    """Old clients use old prefixes."""
    await create(client, customSlug="x")
    for version, status in (("v1", 200), ("v2", 200), ("v3", 200), ("v4", 404)):
        answer = await client.get(f"http://shortener/rest/{version}/short-urls/x")
        assert answer.status_code == status, version


async def test_head_is_get_without_a_body(client: httpx2.AsyncClient) -> None:
    """The server drops the body."""
    await create(client, customSlug="x")
    for path in ("/short-urls", "/short-urls/x", "/health"):
        assert (await client.head(path)).status_code == 200
