"""Tags on a real PostgreSQL: lists, counts, renaming, deleting, and who may do it."""

import asyncio
from typing import Any

import asyncpg
import httpx2
import pytest

from tests.support.api import API_KEY
from tests.support.database import fetch
from tests.support.folding import fold
from tests.support.keys import a_key
from tests.support.short_urls import create, edit

TAG_COUNTS = (
    "SELECT t.name, c.links::int, c.visits::int, c.non_bot_visits::int"
    " FROM tag_counts c JOIN tags t ON t.id = c.tag_id ORDER BY 1"
)
COUNTED = (
    "SELECT t.name, count(*)::int, coalesce(sum(n.all_of_them), 0)::int,"
    " coalesce(sum(n.people), 0)::int FROM tags t JOIN link_tags ON tag_id = t.id"
    " LEFT JOIN (SELECT link_id, sum(clicks) AS all_of_them,"
    " sum(clicks) FILTER (WHERE NOT is_bot) AS people FROM click_counts_total"
    " WHERE type = 'link' GROUP BY 1) n USING (link_id) GROUP BY 1 ORDER BY 1"
)
CLICK = (
    "INSERT INTO click_counts_total AS c SELECT id, 'link', $2, $3 FROM links"
    " WHERE short_code = $1 ON CONFLICT (link_id, type, is_bot)"
    " DO UPDATE SET clicks = c.clicks + excluded.clicks"
)


async def names(client: httpx2.AsyncClient, query: str = "") -> list[str]:
    """List the tags."""
    answer = await client.get(f"/tags?{query}")
    assert answer.status_code == 200, answer.text
    found: list[str] = answer.json()["tags"]["data"]
    return found


async def stats(client: httpx2.AsyncClient, query: str = "") -> list[tuple[Any, ...]]:
    """List what is known of the tags."""
    answer = await client.get(f"/tags/stats?{query}")
    assert answer.status_code == 200, answer.text
    return [
        (info["tag"], info["shortUrlsCount"], *info["visitsSummary"].values())
        for info in answer.json()["tags"]["data"]
    ]


async def test_a_renamed_tag_is_met_by_its_name(client: httpx2.AsyncClient) -> None:
    """Filters find it, and short URLs keep and get it, however it is spelt; others are normal."""
    await create(client, customSlug="x", tags=["promo"])
    rename = {"oldName": "promo", "newName": "Promo Two"}
    assert (await client.put("/tags", json=rename)).status_code == 204
    shown = (await edit(client, "x", title="t", tags=["Promo Two", "New One"]))["tags"]
    assert shown == ["Promo Two", "new-one"]
    assert (await create(client, customSlug="y", tags=["Promo Two"]))["tags"] == ["Promo Two"]
    batch = {"shortUrls": [{"longUrl": "https://b.test/", "tags": "Promo Two"}]}
    (result,) = (await client.post("/short-urls/batch", json=batch)).json()["results"]
    assert result["shortUrl"]["tags"] == ["Promo Two"]
    assert await names(client) == ["Promo Two", "new-one"]
    for query, found in (
        ("tags[]=Promo%20Two", 3),
        ("tags[]=promo%20two", 0),
        ("tags[]=Promo%20Two&tags[]=NEW%20ONE&tagsMode=all", 1),
        ("excludeTags[]=Promo%20Two", 0),
    ):
        listed = (await client.get(f"/short-urls?{query}")).json()["shortUrls"]
        assert listed["pagination"]["totalItems"] == found, query


async def test_names_are_listed_searched_ordered_and_paged(client: httpx2.AsyncClient) -> None:
    """By name, all on one page unless a page is asked for."""
    await create(client, tags=["red", "blue", "light red", "10%"])
    assert await names(client) == ["10%", "blue", "light-red", "red"]
    assert await names(client, "orderBy=tag-DESC") == ["red", "light-red", "blue", "10%"]
    assert await names(client, "searchTerm=RED") == ["light-red", "red"]
    assert await names(client, "searchTerm=%25") == ["10%"]
    assert await names(client, "orderBy=nonsense") == ["10%", "blue", "light-red", "red"]
    page = (await client.get("/tags?itemsPerPage=3&page=2")).json()["tags"]
    assert page == {
        "data": ["red"],
        "pagination": {
            "currentPage": 2,
            "pagesCount": 2,
            "itemsPerPage": 3,
            "itemsInCurrentPage": 1,
            "totalItems": 4,
        },
    }
    assert (await client.get("/tags")).json()["tags"]["pagination"]["itemsPerPage"] == 4
    assert await names(client, "page=9&itemsPerPage=3") == []


async def test_stats_follow_what_happens_to_links_and_clicks(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """After clicks, edits, deletions of links and of clicks, counts are those of the rows."""
    for code, tags in (("one", ["a", "b"]), ("two", ["b"]), ("three", ["b", "c"])):
        await create(client, customSlug=code, tags=tags)
    assert await stats(client) == [("a", 1, 0, 0, 0), ("b", 3, 0, 0, 0), ("c", 1, 0, 0, 0)]
    await fetch(database_url, CLICK, "one", False, 5)
    await fetch(database_url, CLICK, "one", True, 2)
    await fetch(database_url, CLICK, "three", False, 10)
    await fold(database_url)
    assert await stats(client) == [("a", 1, 7, 5, 2), ("b", 3, 17, 15, 2), ("c", 1, 10, 10, 0)]
    await edit(client, "one", tags=["c", "d"])
    await fetch(database_url, CLICK, "one", False, 1)
    await client.delete("/short-urls/three")
    await fold(database_url)
    assert await stats(client) == [
        ("a", 0, 0, 0, 0),
        ("b", 1, 0, 0, 0),
        ("c", 1, 8, 6, 2),
        ("d", 1, 8, 6, 2),
    ]
    await fetch(database_url, "DELETE FROM click_counts_total")
    await fold(database_url)
    assert await stats(client, "searchTerm=c") == [("c", 1, 0, 0, 0)]
    assert len(await fetch(database_url, "SELECT FROM link_visits")) == 2


async def test_stats_are_ordered_by_each_of_their_numbers(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """Both ways; a field that there is not means by name."""
    await create(client, customSlug="one", tags=["a", "b"])
    await create(client, customSlug="two", tags=["b", "c"])
    await fetch(database_url, CLICK, "one", True, 9)
    await fetch(database_url, CLICK, "two", False, 2)
    await fold(database_url)
    for order, expected in (
        ("shortUrlsCount-DESC", "bac"),
        ("visits", "cab"),
        ("visits-DESC", "bac"),
        ("nonBotVisits-DESC", "bca"),
        ("date-DESC", "cba"),
    ):
        assert "".join(row[0] for row in await stats(client, f"orderBy={order}")) == expected


async def test_counts_survive_everything_at_once(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """Clicks, tagging, deletions and folding by several at once leave counts that are right."""
    for number in range(10):
        await create(client, customSlug=f"l{number}", tags=[f"t{number % 3}"])

    async def click(link: int) -> None:
        connection = await asyncpg.connect(database_url)
        for number in range(30):
            await connection.execute(CLICK, f"l{link}", number % 4 == 0, 1 + number % 3)
        await connection.close()

    async def retag(link: int) -> None:
        for number in range(8):
            await edit(client, f"l{link}", tags=[f"t{number % 4}", "x"])
        if link % 5 == 0:
            await client.delete(f"/short-urls/l{link}")

    async def retag_some(some: range) -> None:
        for link in some:
            await retag(link)

    async with asyncio.TaskGroup() as tasks:
        for link in range(10):
            tasks.create_task(click(link))
        for first in range(3):
            tasks.create_task(retag_some(range(first, 10, 3)))
        tasks.create_task(fold(database_url))
    await fold(database_url)
    counted = [tuple(row) for row in await fetch(database_url, COUNTED)]
    kept = [tuple(row) for row in await fetch(database_url, TAG_COUNTS) if row["links"]]
    assert kept == counted


async def test_counts_can_be_made_anew(client: httpx2.AsyncClient, database_url: str) -> None:
    """Whatever they are, counting again makes them those of the rows; nothing is left to fold."""
    await create(client, customSlug="one", tags=["a", "b"])
    await create(client, customSlug="two", tags=["b", "c"])
    await fetch(database_url, CLICK, "one", True, 9)
    await edit(client, "two", tags=["b"])
    await fold(database_url)
    await fetch(database_url, "UPDATE tag_counts SET links = 99")
    await fetch(database_url, "UPDATE link_visits SET visits = 99")
    await fetch(database_url, CLICK, "one", False, 1)
    await fetch(database_url, "SELECT recount_visits()")
    assert await stats(client) == [("a", 1, 10, 1, 9), ("b", 2, 10, 1, 9), ("c", 0, 0, 0, 0)]
    visits = await fetch(database_url, "SELECT visits::int FROM link_visits ORDER BY link_id")
    assert [row["visits"] for row in visits] == [10, 0]


async def test_a_tag_is_renamed(client: httpx2.AsyncClient) -> None:
    """For all its links at once; capitals survive, and its own name is no conflict."""
    await create(client, customSlug="one", tags=["old", "other"])
    for old, new, status in (
        ("old", "New Name", 204),
        ("New Name", "New Name", 204),
        ("New Name", "other", 409),
        ("old", "x", 404),
    ):
        answer = await client.put("/tags", json={"oldName": old, "newName": new})
        assert answer.status_code == status, (old, new)
    assert (await client.get("/short-urls/one")).json()["tags"] == ["New Name", "other"]
    answer = await client.put("/tags", json={"oldName": "New Name", "newName": "other"})
    assert answer.json() == {
        "type": "https://shlink.io/api/error/tag-conflict",
        "title": "Tag conflict",
        "detail": "You cannot rename tag New Name to other, because it already exists",
        "status": 409,
        "oldName": "New Name",
        "newName": "other",
    }
    answer = await client.put("/tags", json={"oldName": "gone", "newName": "x"})
    assert (answer.status_code, answer.json()["tag"]) == (404, "gone")
    assert answer.json()["type"].endswith("/tag-not-found")


@pytest.mark.parametrize(
    ("body", "bad"),
    [
        ({}, ["oldName", "newName"]),
        ({"oldName": " ", "newName": "x" * 256}, ["oldName", "newName"]),
        ({"oldName": "a", "newName": "a\0"}, ["newName"]),
        ({"oldName": ["a"], "newName": "b"}, ["oldName"]),
    ],
)
async def test_bad_names_are_told(
    client: httpx2.AsyncClient, body: dict[str, Any], bad: list[str]
) -> None:
    """All of them at once."""
    answer = await client.put("/tags", json=body)
    assert (answer.status_code, answer.json()["invalidElements"]) == (400, bad)


async def test_tags_are_deleted(client: httpx2.AsyncClient) -> None:
    """From all links, names that there are not passed over."""
    for number in range(3):
        await create(client, customSlug=f"l{number}", tags=["a", "b", "c"])
    answer = await client.delete("/tags?tags[]=a&tags[]=gone&tags[]=b")
    assert (answer.status_code, answer.content) == (204, b"")
    assert await names(client) == ["c"]
    assert (await client.get("/short-urls/l1")).json()["tags"] == ["c"]
    assert (await client.delete("/tags")).status_code == 204
    assert await names(client) == ["c"]


async def test_limited_keys_see_the_tags_of_their_links(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """Counted over these alone; renaming and deleting is refused."""
    await create(client, customSlug="one", tags=["a", "b"])
    await create(client, customSlug="two", tags=["b", "c"], domain="d.test")
    await fetch(database_url, CLICK, "one", False, 5)
    await fetch(database_url, CLICK, "two", False, 3)
    await fold(database_url)
    author = await a_key(database_url, "author", "AUTHORED_SHORT_URLS")
    of_domain = await a_key(database_url, "domain", "DOMAIN_SPECIFIC", domain="d.test")
    for key, expected in (
        (author, []),
        (of_domain, [("b", 1, 3, 3, 0), ("c", 1, 3, 3, 0)]),
    ):
        client.headers["X-Api-Key"] = key
        assert await stats(client) == expected
        assert await names(client) == [row[0] for row in expected]
        renamed = await client.put("/tags", json={"oldName": "b", "newName": "x"})
        deleted = await client.delete("/tags?tags[]=b")
        for answer, operation in ((renamed, "rename"), (deleted, "delete")):
            assert answer.status_code == 403
            assert answer.json()["type"].endswith("/forbidden-tag-operation")
            assert answer.json()["detail"] == f"You are not allowed to {operation} tags"
    client.headers["X-Api-Key"] = API_KEY
    assert await names(client) == ["a", "b", "c"]
