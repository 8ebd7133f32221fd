"""Short URLs by their slug, there or not; and edits that are meant for one state of a link."""

import asyncio
from typing import Any

import httpx2

from shared.link_cache import LinkCache
from tests.support.database import fetch
from tests.support.short_urls import LONG_URL, create


async def put(client: httpx2.AsyncClient, headers: Any = None, **body: Any) -> httpx2.Response:
    """Put a short URL with the slug `x`."""
    content = {"longUrl": LONG_URL, "customSlug": "x", **body}
    return await client.put("/short-urls/upsert", json=content, headers=headers)


async def test_created_then_edited(client: httpx2.AsyncClient, cache: LinkCache) -> None:
    """The answer says which it was; what an edit leaves out stays as it is."""
    created = await put(client, tags=["a"], title="t", domain="d.test")
    assert (created.status_code, created.json()["outcome"]) == (201, "created")
    edited = await put(client, longUrl="https://b.test/", title=None, domain="d.test")
    assert (edited.status_code, edited.json()["outcome"]) == (200, "edited")
    link = edited.json()["shortUrl"]
    assert (link["longUrl"], link["title"], link["tags"]) == ("https://b.test/", None, ["a"])
    found = (await cache.get_many([("d.test", "x")]))[0]
    assert found is not None
    assert found.location == "https://b.test/"


async def test_a_body_must_name_the_link(client: httpx2.AsyncClient) -> None:
    """Without slug or long URL there is nothing to create or edit."""
    answer = await client.put("/short-urls/upsert", json={"title": "t"})
    assert answer.status_code == 400
    assert answer.json()["reasons"] == {"longUrl": "is required", "customSlug": "is required"}


async def test_an_edit_that_would_end_before_it_begins(client: httpx2.AsyncClient) -> None:
    """What only the stored link shows to be wrong is named by its field too."""
    await put(client, validSince="2026-01-01")
    answer = await put(client, validUntil="2025-01-01")
    assert answer.status_code == 400
    assert answer.json()["invalidElements"] == ["validUntil"]


async def test_many_at_once_create_one(client: httpx2.AsyncClient, database_url: str) -> None:
    """One of twenty creates, the others edit what it created; nobody deadlocks."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(put(client, title=f"t{n}", domain="d.test", tags=[f"t{n}", "z"]))
            for n in range(20)
        ]
    answers = [task.result() for task in tasks]
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    rows = await fetch(database_url, "SELECT action FROM audit_log")
    assert sorted(row["action"] for row in rows) == ["link_created"] + ["link_edited"] * 19


async def test_a_repeated_upsert_says_the_same(client: httpx2.AsyncClient) -> None:
    """With an idempotency key the second answer is still that it was created."""
    headers = {"Idempotency-Key": "k"}
    first, second = await put(client, headers), await put(client, headers)
    assert (second.status_code, second.content) == (201, first.content)


async def test_only_if_it_is_new(client: httpx2.AsyncClient) -> None:
    """`If-None-Match: *` never edits, `If-Match` never creates."""
    refused = await put(client, {"If-Match": '"7.ab"'})
    assert refused.status_code == 412
    assert (await put(client, {"If-None-Match": "*"})).status_code == 201
    answer = await put(client, {"If-None-Match": "*"})
    assert answer.status_code == 412
    assert answer.json()["type"].endswith("/precondition-failed")


async def test_an_edit_of_a_changed_link_is_refused(client: httpx2.AsyncClient) -> None:
    """With `If-Match` an edit or deletion happens only to the state that its caller has seen."""
    await create(client, customSlug="x")
    tag = (await client.get("/short-urls/x")).headers["etag"]
    first = await client.patch("/short-urls/x", json={"title": "a"}, headers={"If-Match": tag})
    assert first.status_code == 200
    late = await client.patch("/short-urls/x", json={"title": "b"}, headers={"If-Match": tag})
    assert late.status_code == 412
    assert (await put(client, {"If-Match": tag}, title="c")).status_code == 412
    assert (await client.delete("/short-urls/x", headers={"If-Match": tag})).status_code == 412
    weak = f"W/{first.headers['etag']}"
    assert (await put(client, {"If-Match": weak}, title="d")).status_code == 200
    assert (await client.get("/short-urls/x")).json()["title"] == "d"
    assert (await client.delete("/short-urls/x", headers={"If-Match": "*"})).status_code == 204


async def test_one_of_two_conditional_edits_wins(client: httpx2.AsyncClient) -> None:
    """Both have seen the same state: the second is told that it was changed."""
    tag = f'{(await put(client)).headers["etag"]}, "junk"'
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                client.patch("/short-urls/x", json={"title": f"{n}"}, headers={"If-Match": tag})
            )
            for n in range(8)
        ]
    assert sorted(task.result().status_code for task in tasks) == [200] + [412] * 7


async def test_the_slug_alone_says_which_link_is_meant(client: httpx2.AsyncClient) -> None:
    """A link that is like it under the same slug elsewhere is not taken for it."""
    await put(client, domain="d.test")
    made = await put(client, findIfExists=True)
    assert (made.status_code, made.json()["shortUrl"]["domain"]) == (201, None)
    assert (await client.get("/short-urls/x")).status_code == 200
