"""Many callers at once: exactly one wins, none is lost, and the cache ends with the newest."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import asyncpg
import httpx2

from shared.link import Link
from shared.link_cache import LinkCache
from tests.support.api import running_shortener
from tests.support.database import fetch

T = TypeVar("T")
LONG_URL = "https://example.org/"


async def cached(cache: LinkCache, code: str) -> Link:
    """Return what redirectors find, which must be there."""
    link = (await cache.get_many([("", code)]))[0]
    assert link is not None
    return link


async def at_once(calls: Iterable[Awaitable[T]]) -> list[T]:
    """Await all of them together."""

    async def wait(call: Awaitable[T]) -> T:
        return await call

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(wait(call)) for call in calls]
    return [task.result() for task in tasks]


async def test_one_of_many_gets_the_slug(
    client: httpx2.AsyncClient, cache: LinkCache, database_url: str
) -> None:
    """Twenty creations of one slug: one link, nineteen times the same problem."""
    bodies = [
        {"longUrl": f"{LONG_URL}{number}", "customSlug": "x", "tags": [f"t{number}"]}
        for number in range(20)
    ]
    answers = await at_once(client.post("/short-urls", json=body) for body in bodies)
    won = [answer for answer in answers if answer.status_code == 200]
    lost = [answer.json()["type"] for answer in answers if answer.status_code != 200]
    assert len(won) == 1
    assert set(lost) == {"https://shlink.io/api/error/non-unique-slug"}
    assert (await cached(cache, "x")).location == won[0].json()["longUrl"]
    assert len(await fetch(database_url, "SELECT FROM tags")) == 1


async def test_find_if_exists_finds_the_link_of_a_concurrent_caller(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """Twenty callers of a new long URL share one link."""
    body = {"longUrl": LONG_URL, "findIfExists": True}
    answers = await at_once(client.post("/short-urls", json=body) for _ in range(20))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["shortCode"] for answer in answers}) == 1
    assert len(await fetch(database_url, "SELECT FROM links")) == 1


async def test_new_tags_and_domains_can_be_created_by_many_at_once(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """In whatever order they are given: no deadlock reaches a caller, nothing is doubled."""
    tags = [f"t{number}" for number in range(10)]
    answers = await at_once(
        client.post(
            "/short-urls",
            json={"longUrl": LONG_URL, "domain": "d.test", "tags": tags[shift:] + tags[:shift]},
        )
        for shift in range(10)
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len(await fetch(database_url, "SELECT FROM tags")) == 10
    assert len(await fetch(database_url, "SELECT FROM domains")) == 1
    assert len(await fetch(database_url, "SELECT FROM link_tags")) == 100


async def test_the_cache_has_the_newest_of_many_edits(
    client: httpx2.AsyncClient, cache: LinkCache, database_url: str
) -> None:
    """Whichever edit comes last in PostgreSQL is what redirectors see."""
    await client.post("/short-urls", json={"longUrl": LONG_URL, "customSlug": "x"})
    answers = await at_once(
        client.patch("/short-urls/x", json={"longUrl": f"{LONG_URL}{number}"})
        for number in range(30)
    )
    assert {answer.status_code for answer in answers} == {200}
    row = (await fetch(database_url, "SELECT long_url, version FROM links"))[0]
    link = await cached(cache, "x")
    assert (link.location, link.version) == tuple(row)


async def test_the_cache_has_the_outcome_of_creations_and_deletions(
    client: httpx2.AsyncClient, cache: LinkCache, database_url: str
) -> None:
    """After a storm of both on one slug, cache and database agree whether there is a link."""
    for _ in range(5):
        answers = await at_once(
            client.delete("/short-urls/x")
            if number % 2
            else client.post("/short-urls", json={"longUrl": LONG_URL, "customSlug": "x"})
            for number in range(20)
        )
        assert not [answer for answer in answers if answer.status_code >= 500]
        rows = await fetch(database_url, "SELECT version FROM links")
        link = await cached(cache, "x")
        assert link.is_known == bool(rows)
        if rows:
            assert link.version == rows[0]["version"]


async def test_a_creation_that_waits_for_a_deletion_is_newer(
    client: httpx2.AsyncClient, cache: LinkCache, database_url: str
) -> None:
    """The version is drawn after the wait; else the tombstone would hide the new link."""
    await client.post("/short-urls", json={"longUrl": LONG_URL, "customSlug": "x"})
    blocker = await asyncpg.connect(database_url)
    holding = blocker.transaction()
    await holding.start()
    await blocker.execute("SELECT FROM links WHERE short_code = 'x' FOR UPDATE")
    deleting = asyncio.create_task(client.delete("/short-urls/x"))
    await wait_for_waiters(database_url, 1)
    body = {"longUrl": "https://b.test/", "customSlug": "x"}
    creating = asyncio.create_task(client.post("/short-urls", json=body))
    await wait_for_waiters(database_url, 2)
    await holding.rollback()
    await blocker.close()
    assert (await deleting).status_code == 204
    assert (await creating).status_code == 200
    assert (await cached(cache, "x")).location == "https://b.test/"


async def wait_for_waiters(database_url: str, number: int) -> None:
    """Wait until so many sessions of the database wait for a lock."""
    statement = (
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )
    async with asyncio.timeout(10):
        while len(await fetch(database_url, statement)) < number:
            await asyncio.sleep(0.01)


async def test_two_edits_at_once_lose_neither(
    client: httpx2.AsyncClient,
) -> None:
    """Edits of different members both stay."""
    await client.post("/short-urls", json={"longUrl": LONG_URL, "customSlug": "x"})
    for _ in range(5):
        await at_once(
            client.patch("/short-urls/x", json=body)
            for body in ({"title": "t"}, {"tags": ["a"]}, {"crawlable": True}, {"maxVisits": 9})
        )
        read = (await client.get("/short-urls/x")).json()
        assert (read["title"], read["tags"], read["crawlable"]) == ("t", ["a"], True)
        assert read["meta"]["maxVisits"] == 9
        await client.patch("/short-urls/x", json={"title": None, "tags": [], "crawlable": False})


async def test_more_callers_than_connections_wait_their_turn(
    database_url: str, redis_url: str
) -> None:
    """With the smallest pools, twenty callers at once are all served."""
    pools = {"DATABASE_MAX_CONNECTIONS": "4", "REDIS_POOL_SIZE": "3"}
    async with running_shortener(database_url, redis_url, **pools) as client:
        answers = await at_once(
            client.post("/short-urls", json={"longUrl": LONG_URL}) for _ in range(20)
        )
    assert Counter(answer.status_code for answer in answers) == {200: 20}


async def test_a_new_tag_and_domain_of_fifty_callers(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """Whoever is first creates both; nobody fails, waits for ever or makes a second one."""
    orders = (["new", "other", "third"], ["third", "new", "other"])
    bodies = [
        {"longUrl": LONG_URL, "domain": "new.test", "tags": orders[number % 2]}
        for number in range(50)
    ]
    answers = await at_once(client.post("/short-urls", json=body) for body in bodies)
    assert [answer.status_code for answer in answers] == [200] * 50
    assert len(await fetch(database_url, "SELECT FROM tags")) == 3
    assert len(await fetch(database_url, "SELECT FROM domains")) == 1
    assert len(await fetch(database_url, "SELECT FROM link_tags")) == 150


async def test_tags_that_come_and_go_while_links_are_tagged(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """Deleted or renamed in between, a tag is made again: every link has what it was given."""

    async def create(number: int) -> None:
        answer = await client.post("/short-urls", json={"longUrl": LONG_URL, "tags": ["a", "b"]})
        assert answer.status_code == 200, answer.text

    async def disturb(number: int) -> None:
        if number % 2:
            answer = await client.delete("/tags?tags[]=a")
            assert answer.status_code == 204
        else:
            body = {"oldName": "b", "newName": f"b{number}"}
            assert (await client.put("/tags", json=body)).status_code in (204, 404)

    async def five_times(call: Callable[[int], Awaitable[None]], first: int) -> None:
        for number in range(first, first + 5):
            await call(number)

    calls = [five_times(call, 10 * n) for n in range(3) for call in (create, disturb)]
    await at_once(calls)
    untagged = "SELECT FROM links WHERE NOT EXISTS (SELECT FROM link_tags WHERE link_id = id)"
    assert await fetch(database_url, untagged) == []
