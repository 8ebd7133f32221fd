"""Short URLs through the API, on real stores: created, read and found again."""

from datetime import UTC, datetime
from typing import Any

import httpx2

from shared.link import Link, unknown_link
from shared.link_cache import LinkCache
from tests.support.database import fetch
from tests.support.short_urls import LONG_URL, create, edit


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
    for name in ("s.test", "DEFAULT"):
        assert (await client.get(f"/short-urls/x?domain={name}")).json()["domain"] is None
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
