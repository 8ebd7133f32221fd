"""Many short URLs in one request, on real stores: each with its own result."""

import asyncio
from typing import Any

import httpx2

from shared.link_cache import LinkCache
from tests.support.database import fetch
from tests.support.short_urls import LONG_URL, create


async def send(client: httpx2.AsyncClient, *items: dict[str, Any], **headers: str) -> Any:
    """Send a batch, which must be taken; return its answer's content."""
    answer = await client.post("/short-urls/batch", json={"shortUrls": items}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def item(number: int, **members: Any) -> dict[str, Any]:
    """Make the body of one creation."""
    return {"longUrl": f"https://example.org/{number}", **members}


def outcomes(content: Any) -> list[str]:
    """Return each result's outcome, a problem's by its type."""
    return [
        result["problem"]["type"].rsplit("/", 1)[1]
        if result["outcome"] == "problem"
        else result["outcome"]
        for result in content["results"]
    ]


async def test_a_thousand_links(
    client: httpx2.AsyncClient, cache: LinkCache, database_url: str
) -> None:
    """All are created, shown as a later reading shows them, cached, and in the audit log."""
    content = await send(
        client, *(item(n, tags=[f"t{n % 7}", "all"], title=f"Title {n}") for n in range(1000))
    )
    assert content["summary"] == {"created": 1000, "found": 0, "problem": 0}
    assert [result["index"] for result in content["results"]] == list(range(1000))
    shown = content["results"][999]["shortUrl"]
    assert (shown["longUrl"], shown["title"]) == ("https://example.org/999", "Title 999")
    code = shown["shortCode"]
    read = (await client.get(f"/short-urls/{code}")).json()
    assert read == shown | {"tags": sorted(shown["tags"])}
    keys = [("", result["shortUrl"]["shortCode"]) for result in content["results"]]
    links = await cache.get_many(keys)
    assert [link.location for link in links if link is not None] == [
        f"https://example.org/{n}" for n in range(1000)
    ]
    counts = await fetch(
        database_url,
        "SELECT (SELECT count(*) FROM links), (SELECT count(*) FROM link_tags),"
        " (SELECT count(*) FROM tags), (SELECT count(*) FROM link_outbox),"
        " (SELECT count(*) FROM audit_log), (SELECT sum(links) FROM link_counts)",
    )
    assert tuple(counts[0]) == (1000, 2000, 8, 0, 1000, 1000)


async def test_bad_items_do_not_harm_others(client: httpx2.AsyncClient) -> None:
    """Each bad item is told which field is bad and why; the rest is created."""
    await create(client, customSlug="taken")
    content = await send(
        client,
        item(0),
        {"longUrl": "javascript:alert(1)", "maxVisits": 0},
        item(2, customSlug="taken"),
        item(3, customSlug="mine"),
        item(4, customSlug="mine"),
        {},
    )
    assert outcomes(content) == [
        "created", "invalid-data", "non-unique-slug", "created", "non-unique-slug",
        "invalid-data",
    ]  # fmt: skip
    problem = content["results"][1]["problem"]
    assert problem["invalidElements"] == ["longUrl", "maxVisits"]
    assert set(problem["reasons"]) == {"longUrl", "maxVisits"}
    assert content["results"][5]["problem"]["reasons"] == {"longUrl": "is required"}
    assert content["results"][4]["problem"]["customSlug"] == "mine"
    assert content["summary"] == {"created": 2, "found": 0, "problem": 4}


async def test_links_that_exist_are_found(client: httpx2.AsyncClient) -> None:
    """With findIfExists, links of earlier requests and of earlier items are found."""
    old = await create(client, customSlug="old", tags=["b", "a"])
    content = await send(
        client,
        {"longUrl": LONG_URL, "findIfExists": True},
        {"longUrl": LONG_URL, "findIfExists": True, "tags": ["a", "b"]},
        {"longUrl": LONG_URL, "findIfExists": True, "tags": ["a"]},
        item(3, customSlug="new", maxVisits=3),
        item(3, findIfExists=True),
        item(3, findIfExists=True, maxVisits=3),
        item(3, findIfExists=True, maxVisits=4),
        item(7, findIfExists=True),
        item(7, findIfExists=True),
    )
    assert outcomes(content) == [
        "found", "found", "created", "created", "found", "found", "created", "created", "found",
    ]  # fmt: skip
    codes = [result["shortUrl"]["shortCode"] for result in content["results"]]
    assert codes[:2] == ["old"] * 2
    assert codes[3:6] == ["new"] * 3
    assert codes[7] == codes[8]
    assert content["results"][0]["shortUrl"]["tags"] == sorted(old["tags"])


async def test_what_is_no_batch(client: httpx2.AsyncClient) -> None:
    """A batch without items, with too many, or with something else among them is refused."""
    for content, name in (
        ({}, "shortUrls"),
        ({"shortUrls": []}, "shortUrls"),
        ({"shortUrls": "x"}, "shortUrls"),
        ({"shortUrls": [item(0)] * 1001}, "shortUrls"),
        ({"shortUrls": [item(0), 7]}, "shortUrls[1]"),
    ):
        answer = await client.post("/short-urls/batch", json=content)
        assert answer.status_code == 400
        assert answer.json()["invalidElements"] == [name]
    huge = await client.post("/short-urls/batch", content=b" " * (2 * 1024 * 1024 + 1))
    assert huge.status_code == 413


async def test_overlapping_batches_do_not_deadlock(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """The same slugs, tags, domains and long URLs in opposite orders: each slug goes to one."""
    items = [
        item(n, customSlug=f"s{n}", domain=f"d{n % 9}.test", tags=[f"t{n % 11}", f"u{n % 13}"])
        for n in range(150)
    ]
    seeking = [item(n, findIfExists=True, tags=[f"v{n % 5}"]) for n in range(50)]
    batches = [items + seeking, [*reversed(items), *reversed(seeking)]] * 3
    before = await _deadlocks(database_url)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(send(client, *batch)) for batch in batches]
    answers = [task.result() for task in tasks]
    assert sum(answer["summary"]["created"] for answer in answers) == 200
    assert sum(answer["summary"]["found"] for answer in answers) == 250
    assert sum(answer["summary"]["problem"] for answer in answers) == 750
    rows = await fetch(database_url, "SELECT domain, short_code FROM links")
    assert len(rows) == len(set(rows)) == 200
    assert await _deadlocks(database_url) == before


async def test_batches_and_single_creations_race_for_slugs(
    client: httpx2.AsyncClient, cache: LinkCache, database_url: str
) -> None:
    """Whoever comes first has the slug, others the documented problem, and the cache agrees."""
    slugs = [f"s{n}" for n in range(20)]

    async def single(slug: str) -> int:
        body = {"longUrl": "https://single.test/", "customSlug": slug, "tags": ["a", "b"]}
        return (await client.post("/short-urls", json=body)).status_code

    async with asyncio.TaskGroup() as group:
        batches = [
            group.create_task(
                send(client, *(item(n, customSlug=slug, tags=["b", "a"]) for slug in slugs))
            )
            for n in range(3)
        ]
        singles = [group.create_task(single(slug)) for slug in reversed(slugs)]
    won = sum(task.result()["summary"]["created"] for task in batches)
    assert won + [task.result() for task in singles].count(200) == 20
    assert {task.result() for task in singles} <= {200, 400}
    rows = await fetch(database_url, "SELECT short_code, long_url FROM links")
    found = await cache.get_many([("", row["short_code"]) for row in rows])
    assert [link and link.location for link in found] == [row["long_url"] for row in rows]


async def _deadlocks(database_url: str) -> int:
    rows = await fetch(
        database_url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    count: int = rows[0]["deadlocks"]
    return count
