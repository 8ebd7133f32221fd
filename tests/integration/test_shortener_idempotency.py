"""Requests that are sent more than once with one `Idempotency-Key`, on real stores."""

import asyncio
from typing import Any

import httpx2

from tests.support.database import fetch
from tests.support.short_urls import LONG_URL

KEY = {"Idempotency-Key": "order-17"}


async def post(
    client: httpx2.AsyncClient, headers: dict[str, str], **body: Any
) -> httpx2.Response:
    """Ask for a short URL under the key."""
    return await client.post("/short-urls", json={"longUrl": LONG_URL, **body}, headers=headers)


async def count(database_url: str, table: str) -> int:
    """Return how many rows the table has."""
    found: int = (await fetch(database_url, f"SELECT count(*) FROM {table}"))[0][0]
    return found


async def test_a_repeated_creation_is_answered_alike(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """The second answer is the first one's bytes and tag, and says so; there is one link."""
    first = await post(client, KEY, title="a")
    await client.patch(f"/short-urls/{first.json()['shortCode']}", json={"title": "b"})
    second = await client.post(
        "/short-urls", content=b'{"title": "a",  "longUrl": "%s"}' % LONG_URL.encode(), headers=KEY
    )
    assert (second.status_code, second.content) == (200, first.content)
    assert second.headers["etag"] == first.headers["etag"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert await count(database_url, "links") == 1


async def test_the_key_of_another_request_is_refused(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """Another body or another call under a used key is a problem that names the key."""
    await post(client, KEY)
    other_body = await post(client, KEY, title="other")
    other_call = await client.put(
        "/short-urls/upsert", json={"longUrl": LONG_URL, "customSlug": "x"}, headers=KEY
    )
    for answer in (other_body, other_call):
        assert answer.status_code == 422
        assert answer.json()["type"].endswith("/idempotency-key-reused")
        assert answer.json()["idempotencyKey"] == "order-17"
    assert await count(database_url, "links") == 1


async def test_a_key_that_is_none(client: httpx2.AsyncClient) -> None:
    """An empty or overlong key is bad data, by the header's name."""
    for key in ("", "x" * 256, "a b"):
        answer = await post(client, {"Idempotency-Key": key})
        assert answer.status_code == 400
        assert answer.json()["invalidElements"] == ["Idempotency-Key"]


async def test_twins_at_once_make_one_link(client: httpx2.AsyncClient, database_url: str) -> None:
    """Of twenty requests at once one creates, the others wait for its answer and repeat it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(post(client, KEY)) for _ in range(20)]
    answers = [task.result() for task in tasks]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert await count(database_url, "links") == 1


async def test_a_failed_request_may_be_mended(client: httpx2.AsyncClient) -> None:
    """What changed nothing is not remembered."""
    refused = await post(client, KEY, maxVisits=0)
    assert refused.status_code == 400
    assert (await post(client, KEY, maxVisits=1)).status_code == 200


async def test_keys_of_two_api_keys_are_two(client: httpx2.AsyncClient, database_url: str) -> None:
    """What one caller has sent is nothing to another."""
    await fetch(
        database_url,
        "INSERT INTO api_keys (key_hash, name) VALUES (sha256('another-key'), 'another')",
    )
    await post(client, KEY)
    await post(client, KEY | {"X-Api-Key": "another-key"}, title="other")
    assert await count(database_url, "links") == 2


async def test_an_answer_that_is_too_old_is_forgotten(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """After its time a key is free again, also before the row is cleaned up."""
    await post(client, KEY)
    await fetch(
        database_url, "UPDATE idempotent_answers SET created_at = now() - interval '25 hours'"
    )
    assert (await post(client, KEY, title="other")).status_code == 200
    assert "idempotency-replayed" in (await post(client, KEY, title="other")).headers
    assert await count(database_url, "links") == 2


async def test_a_batch_goes_on_where_it_broke_off(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """Chunks that were stored are answered again, the others carried out: nothing is doubled."""
    body = {"shortUrls": [{"longUrl": f"https://example.org/{n}"} for n in range(450)]}
    first = await client.post("/short-urls/batch", json=body, headers=KEY)
    assert await count(database_url, "idempotent_answers") == 3
    await fetch(database_url, "DELETE FROM idempotent_answers WHERE part = 2")
    await fetch(database_url, "DELETE FROM links WHERE long_url ~ '/4..$'")
    second = await client.post("/short-urls/batch", json=body, headers=KEY)
    results = [answer.json()["results"] for answer in (first, second)]
    assert results[0][:400] == results[1][:400]
    assert "idempotency-replayed" not in second.headers
    third = await client.post("/short-urls/batch", json=body, headers=KEY)
    assert third.json() == second.json()
    assert "idempotency-replayed" in third.headers
    assert await count(database_url, "links") == 450


async def block(database_url: str, domain: str) -> None:
    """Have links to the domain refused from now on."""
    await fetch(database_url, "INSERT INTO blocked_domains VALUES ($1, 'operator', '')", domain)


async def test_an_answer_is_kept_whatever_is_refused_today(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """A creation and an upsert whose long URL was blocked since are answered as they were."""
    body = {"longUrl": LONG_URL, "customSlug": "x"}
    once, again = {"Idempotency-Key": "1"}, {"Idempotency-Key": "2"}
    first = [
        await client.post("/short-urls", json=body, headers=once),
        await client.put("/short-urls/upsert", json=body, headers=again),
    ]
    await block(database_url, "example.org")
    second = [
        await client.post("/short-urls", json=body, headers=once),
        await client.put("/short-urls/upsert", json=body, headers=again),
    ]
    assert [each.status_code for each in (*first, *second)] == [200] * 4
    assert [each.content for each in first] == [each.content for each in second]
    assert (await client.post("/short-urls", json=body)).status_code == 400


async def test_a_batch_is_answered_alike_whatever_is_refused_today(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """Each item keeps its own result, though some would be refused now and others were then."""
    await block(database_url, "bad.test")
    urls = [f"https://{'good' if n % 3 else 'bad'}.test/{n}" for n in range(401)]
    items = [{"longUrl": url} for url in urls]
    items[0] = {"longUrl": "https://own.test/x", "domain": "new.test"}
    items[1] = {"longUrl": "https://new.test/x", "domain": "own.test"}
    items[2] = {"longUrl": "no URL"}
    first = await client.post("/short-urls/batch", json={"shortUrls": items}, headers=KEY)
    await block(database_url, "good.test")
    await fetch(database_url, "DELETE FROM blocked_domains WHERE domain = 'bad.test'")
    second = await client.post("/short-urls/batch", json={"shortUrls": items}, headers=KEY)
    assert first.json() == second.json()
    assert first.json()["summary"] == {"created": 401 - 134, "found": 0, "problem": 134}
    for n, result in enumerate(first.json()["results"][3:], 3):
        assert (result["outcome"] == "created") == bool(n % 3)
        assert result.get("shortUrl", {}).get("longUrl", urls[n]) == urls[n]
