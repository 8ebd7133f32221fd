"""What keys with limits see and do of short URLs: of the others no trace, in any answer."""

from datetime import UTC, datetime, timedelta

import httpx2
import msgspec

from tests.support.database import fetch
from tests.support.keys import a_key
from tests.support.short_urls import LONG_URL, create, edit, try_to_create


async def codes(client: httpx2.AsyncClient, query: str = "") -> list[str]:
    """List with this query."""
    answer = await client.get(f"/short-urls?{query}")
    assert answer.status_code == 200, answer.text
    page = answer.json()["shortUrls"]
    found = [item["shortCode"] for item in page["data"]]
    assert page["pagination"]["totalItems"] == len(found)
    return found


async def assert_unseen(client: httpx2.AsyncClient, path: str) -> None:
    """Assert that the short URL is as if it were not there."""
    for answer in (
        await client.get(path),
        await client.patch(path, json={"title": "taken over"}),
        await client.delete(path),
    ):
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("/short-url-not-found")


async def test_an_author_sees_their_own(client: httpx2.AsyncClient, database_url: str) -> None:
    """In lists, alone, edited, deleted and found again; a code of others is taken for them too."""
    await create(client, customSlug="theirs", title="theirs")
    client.headers["X-Api-Key"] = await a_key(database_url, "author", "AUTHORED_SHORT_URLS")
    await create(client, customSlug="mine")
    assert await codes(client) == ["mine"]
    assert await codes(client, "searchTerm=theirs") == []
    assert await codes(client, "apiKeyName=initial") == ["mine"]  # others' keys are nothing to it
    assert await codes(client, "apiKeyName=author&orderBy=visits-DESC") == ["mine"]
    await assert_unseen(client, "/short-urls/theirs")
    assert (await edit(client, "mine", title="t"))["title"] == "t"
    assert (await create(client, findIfExists=True))["shortCode"] == "mine"
    answer = await try_to_create(client, customSlug="theirs")
    assert answer.json()["type"].endswith("/non-unique-slug")
    assert (await client.delete("/short-urls/mine")).status_code == 204


async def test_a_key_of_a_domain_stays_in_it(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """Whatever domain it asks for it creates in its own, and sees there what others made."""
    await create(client, customSlug="default")
    await create(client, customSlug="there", domain="d.test")
    client.headers["X-Api-Key"] = await a_key(
        database_url, "domain", "DOMAIN_SPECIFIC", domain="d.test"
    )
    for asked in ({}, {"domain": "other.test"}, {"domain": "not a domain"}):
        assert (await create(client, **asked))["domain"] == "d.test"
    assert len(await codes(client)) == 4
    assert await codes(client, "domain=DEFAULT") == []
    assert (await client.get("/short-urls/there?domain=d.test")).status_code == 200
    await assert_unseen(client, "/short-urls/default")
    assert (await create(client, findIfExists=True))["shortCode"] == "there"


async def test_both_limits_hold_together(client: httpx2.AsyncClient, database_url: str) -> None:
    """Own short URLs of one domain."""
    await create(client, customSlug="theirs", domain="d.test")
    roles = ("AUTHORED_SHORT_URLS", "DOMAIN_SPECIFIC")
    client.headers["X-Api-Key"] = await a_key(database_url, "both", *roles, domain="d.test")
    mine = (await create(client))["shortCode"]
    assert await codes(client) == [mine]
    await assert_unseen(client, "/short-urls/theirs?domain=d.test")


async def test_expiry(client: httpx2.AsyncClient, database_url: str) -> None:
    """A key opens what it may until its time, and nothing afterwards."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    client.headers["X-Api-Key"] = await a_key(database_url, "k", expires_at=tomorrow)
    assert (await client.get("/tags")).status_code == 200
    await fetch(database_url, "UPDATE api_keys SET expires_at = now() WHERE name = 'k'")
    answer = await client.get("/tags")
    assert (answer.status_code, answer.json()["type"][-15:]) == (401, "invalid-api-key")


async def test_the_one_step_create(client: httpx2.AsyncClient, database_url: str) -> None:
    """The key in the query, the answer as JSON or text; limits hold here too."""
    key = await a_key(database_url, "domain", "DOMAIN_SPECIFIC", domain="d.test")
    del client.headers["X-Api-Key"]
    call = f"/short-urls/shorten?apiKey={key}&longUrl={LONG_URL}"
    made = await client.get(call)
    assert (made.status_code, made.json()["domain"]) == (200, "d.test")
    for query, accept in (
        ("&format=txt", "*/*"),
        ("", "text/plain"),
        ("", "text/html, text/plain;q=0.5"),
    ):
        text = await client.get(call + query, headers={"Accept": accept})
        assert text.headers["Content-Type"].startswith("text/plain")
        assert text.text.startswith("https://d.test/")
    for query, accept in (("&format=json", "text/plain"), ("", "application/json, text/plain")):
        answer = await client.get(call + query, headers={"Accept": accept})
        assert answer.headers["Content-Type"] == "application/json"
    assert (await client.get(f"/short-urls/shorten?apiKey={key}")).json()["invalidElements"] == [
        "longUrl"
    ]
    before = await fetch(database_url, "SELECT FROM links")
    assert (await client.head(call)).status_code == 200
    assert len(await fetch(database_url, "SELECT FROM links")) == len(before)
    missing = await client.get("/short-urls/shorten?longUrl=x")
    assert (missing.status_code, missing.json()["param"]) == (401, "apiKey")
    wrong = await client.get("/short-urls/shorten?longUrl=x&apiKey=%ff")
    assert (wrong.status_code, wrong.json()["type"][-15:]) == (401, "invalid-api-key")


async def test_an_author_takes_over_nothing(client: httpx2.AsyncClient, database_url: str) -> None:
    """Batches, upserts and imports find, edit and count no short URL of others."""
    await create(client, customSlug="theirs")
    client.headers["X-Api-Key"] = await a_key(database_url, "author", "AUTHORED_SHORT_URLS")
    item = {"longUrl": LONG_URL, "findIfExists": True}
    batch = await client.post("/short-urls/batch", json={"shortUrls": [item]})
    assert batch.json()["summary"] == {"created": 1, "found": 0, "problem": 0}
    theirs = {"longUrl": LONG_URL, "customSlug": "theirs"}
    answer = await client.put("/short-urls/upsert", json={**theirs, "title": "t"})
    assert answer.json()["type"].endswith("/non-unique-slug")
    imported = await client.post(
        "/short-urls/import",
        params={"format": "csv"},
        content=f"longUrl,shortCode,visits\n{LONG_URL},theirs,5\n",
    )
    assert msgspec.json.decode(imported.content.splitlines()[-1])["done"]["skipped"] == 1
    assert (await client.get("/short-urls/theirs/qr-code")).status_code == 404
    assert (await client.get("/audit-log")).status_code == 403
    raised = await fetch(database_url, "SELECT FROM links WHERE imported_visits <> 0")
    assert raised == []


async def test_a_key_of_a_domain_adds_many_to_it(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """Batches, upserts and imports create in its domain, whatever domain they name."""
    client.headers["X-Api-Key"] = await a_key(
        database_url, "domain", "DOMAIN_SPECIFIC", domain="d.test"
    )
    item = {"longUrl": LONG_URL, "domain": "other.test"}
    await client.post("/short-urls/batch", json={"shortUrls": [item]})
    await client.put("/short-urls/upsert", json={**item, "customSlug": "u"})
    await client.post(
        "/short-urls/import",
        params={"format": "csv", "domain": "other.test"},
        content=f"longUrl,shortCode\n{LONG_URL},i\n",
    )
    found = await fetch(database_url, "SELECT domain, count(*)::int FROM links GROUP BY 1")
    assert [tuple(row) for row in found] == [("d.test", 3)]
