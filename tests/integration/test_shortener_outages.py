"""What callers of the API meet while PostgreSQL or Redis is away, and what is true afterwards."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import httpx2
import pytest

from shared.db.migrate import migrate
from shared.link import Link
from shared.link_cache import LinkCache
from shared.settings import Secret
from shortener.app import create_app
from tests.support.api import a_settings, running, running_shortener
from tests.support.database import fetch
from tests.support.tcp_proxy import TcpProxy, proxied

VISIBLE_WITHIN_S = 1.0
LONG_URL = "https://example.org/"


@pytest.fixture
async def postgres(database_url: str) -> AsyncIterator[tuple[TcpProxy, str]]:
    """The door to PostgreSQL, and the URL that leads through it."""
    async with proxied(database_url) as door:
        yield door


@pytest.fixture
async def redis_door(redis_url: str) -> AsyncIterator[tuple[TcpProxy, str]]:
    """The door to Redis, and the URL that leads through it."""
    async with proxied(redis_url) as door:
        yield door


@pytest.fixture
async def client(
    postgres: tuple[TcpProxy, str], redis_door: tuple[TcpProxy, str]
) -> AsyncIterator[httpx2.AsyncClient]:
    """A shortener that reaches both stores through their doors."""
    async with running_shortener(postgres[1], redis_door[1]) as client:
        yield client


async def cached(cache: LinkCache, code: str) -> Link | None:
    """Return what redirectors find."""
    return (await cache.get_many([("", code)]))[0]


async def wait_for_location(cache: LinkCache, code: str, location: str) -> float:
    """Wait until the cache leads there; return how long that took."""
    started = time.perf_counter()
    async with asyncio.timeout(10):
        while (link := await cached(cache, code)) is None or link.location != location:
            await asyncio.sleep(0.01)
    return time.perf_counter() - started


async def create(client: httpx2.AsyncClient, **body: object) -> httpx2.Response:
    """Create a short URL."""
    return await client.post("/short-urls", json={"longUrl": LONG_URL, **body})


def assert_unavailable(answer: httpx2.Response) -> None:
    """Check that this is the documented problem."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["type"].endswith("/service-unavailable")


@pytest.mark.parametrize("way", ["shut", "freeze"])
async def test_changes_without_redis_arrive_when_it_is_back(
    client: httpx2.AsyncClient,
    cache: LinkCache,
    redis_door: tuple[TcpProxy, str],
    way: str,
) -> None:
    """A dead or frozen Redis fails no call, and learns all within a second of being back."""
    await create(client, customSlug="edited")
    await create(client, customSlug="deleted")
    getattr(redis_door[0], way)()
    assert (await create(client, customSlug="created")).status_code == 200
    edit = {"longUrl": "https://example.org/new"}
    assert (await client.patch("/short-urls/edited", json=edit)).status_code == 200
    assert (await client.delete("/short-urls/deleted")).status_code == 204
    link = await cached(cache, "edited")
    assert link is not None
    assert link.location == LONG_URL

    redis_door[0].mend()
    took_s = await wait_for_location(cache, "edited", "https://example.org/new")
    took_s += await wait_for_location(cache, "created", LONG_URL)
    took_s += await wait_for_location(cache, "deleted", "")
    assert took_s < VISIBLE_WITHIN_S


async def test_a_frozen_redis_costs_only_the_first_caller(
    client: httpx2.AsyncClient, redis_door: tuple[TcpProxy, str]
) -> None:
    """While Redis hangs, requests leave it to the relay and do not wait for it in turn."""
    redis_door[0].freeze()
    started = time.perf_counter()
    for _ in range(10):
        assert (await create(client)).status_code == 200
    assert time.perf_counter() - started < 1.5


async def test_the_outbox_is_empty_again_after_redis_was_away(
    client: httpx2.AsyncClient, redis_door: tuple[TcpProxy, str], database_url: str
) -> None:
    """No row is left over, neither from before nor from after."""
    redis_door[0].shut()
    for _ in range(5):
        await create(client)
    assert len(await fetch(database_url, "SELECT FROM link_outbox")) == 5
    redis_door[0].mend()
    async with asyncio.timeout(5):
        while await fetch(database_url, "SELECT FROM link_outbox"):
            await asyncio.sleep(0.02)
    await create(client)
    assert not await fetch(database_url, "SELECT FROM link_outbox")


async def test_a_lost_change_of_a_dead_process_is_relayed(
    client: httpx2.AsyncClient, cache: LinkCache, database_url: str
) -> None:
    """What a process noted and could not apply before it died, any other process applies."""
    await fetch(
        database_url,
        "WITH dead AS (INSERT INTO links (short_code, long_url, long_url_hash)"
        " VALUES ('orphan', 'https://example.org/', '') RETURNING version)"
        " INSERT INTO link_outbox (domain, short_code, version)"
        " SELECT '', 'orphan', version FROM dead",
    )
    await wait_for_location(cache, "orphan", LONG_URL)


async def test_the_relay_writes_what_is_true_now(
    client: httpx2.AsyncClient, cache: LinkCache, database_url: str
) -> None:
    """An old row does not bring an old state back, also not that of a deleted link."""
    created = await create(client, customSlug="gone")
    assert created.status_code == 200
    version = (await fetch(database_url, "SELECT version FROM links"))[0]["version"]
    await client.delete("/short-urls/gone")
    tombstone = await cached(cache, "gone")
    await fetch(
        database_url,
        "INSERT INTO link_outbox (domain, short_code, version) VALUES ('', 'gone', $1)",
        version,
    )
    async with asyncio.timeout(5):
        while await fetch(database_url, "SELECT FROM link_outbox"):
            await asyncio.sleep(0.02)
    assert await cached(cache, "gone") == tombstone
    assert tombstone is not None
    assert not tombstone.is_known


@pytest.mark.parametrize("way", ["shut", "freeze"])
async def test_without_postgres_every_call_is_unavailable(
    client: httpx2.AsyncClient, postgres: tuple[TcpProxy, str], way: str
) -> None:
    """Each call is answered with the documented problem, and works again without a restart."""
    await create(client, customSlug="x")
    getattr(postgres[0], way)()
    calls = [
        client.get("/short-urls"),
        client.get("/short-urls/x"),
        client.patch("/short-urls/x", json={"title": "t"}),
        client.delete("/short-urls/x"),
        create(client),
    ]
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        tasks = [group.create_task(call) for call in calls]
    for task in tasks:
        assert_unavailable(task.result())
    assert (await client.get("/health")).status_code == 503
    readiness = await client.get("http://shortener/readyz")
    assert (readiness.status_code, readiness.json()["status"]) == (503, "down")

    postgres[0].mend()
    async with asyncio.timeout(10):
        while (await client.get("/short-urls/x")).status_code != 200:
            await asyncio.sleep(0.05)
    assert (await create(client)).status_code == 200
    assert (await client.get("/health")).json()["status"] == "pass"


async def test_connections_that_died_unnoticed_are_no_error(
    client: httpx2.AsyncClient, postgres: tuple[TcpProxy, str]
) -> None:
    """After a restart of PostgreSQL the first calls find dead connections and do not fail."""
    postgres[0].shut()
    postgres[0].mend()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(create(client)) for _ in range(8)]
    assert {task.result().status_code for task in tasks} == {200}


@pytest.mark.parametrize("was_delivered", [True, False], ids=["committed", "not_committed"])
@pytest.mark.parametrize("slug", [{"customSlug": "mine"}, {}], ids=["slug", "random"])
async def test_a_creation_is_done_once_when_the_commit_gets_no_answer(
    client: httpx2.AsyncClient,
    postgres: tuple[TcpProxy, str],
    database_url: str,
    was_delivered: bool,
    slug: dict[str, str],
) -> None:
    """Whether the lost COMMIT arrived or not: one link, and an answer that says so."""
    proxy, _ = postgres
    proxy.shut_on(b"COMMIT;", after_delivery=was_delivered)
    creating = asyncio.create_task(create(client, **slug))
    await proxy.triggered.wait()
    proxy.mend()
    answer = await creating
    assert answer.status_code == 200, answer.text
    rows = await fetch(database_url, "SELECT short_code FROM links")
    assert [row["short_code"] for row in rows] == [answer.json()["shortCode"]]


@pytest.mark.parametrize("was_delivered", [True, False], ids=["committed", "not_committed"])
async def test_a_deletion_succeeds_when_the_commit_gets_no_answer(
    client: httpx2.AsyncClient,
    postgres: tuple[TcpProxy, str],
    database_url: str,
    was_delivered: bool,
) -> None:
    """A deletion whose COMMIT was lost is no 404 at the second try."""
    await create(client, customSlug="x")
    proxy, _ = postgres
    proxy.shut_on(b"COMMIT;", after_delivery=was_delivered)
    deleting = asyncio.create_task(client.delete("/short-urls/x"))
    await proxy.triggered.wait()
    proxy.mend()
    assert (await deleting).status_code == 204
    assert not await fetch(database_url, "SELECT FROM links")


async def test_an_edit_succeeds_when_the_commit_gets_no_answer(
    client: httpx2.AsyncClient, postgres: tuple[TcpProxy, str]
) -> None:
    """An edit is made again, which leads to the same link."""
    await create(client, customSlug="x", maxVisits=5)
    proxy, _ = postgres
    proxy.shut_on(b"COMMIT;", after_delivery=True)
    editing = asyncio.create_task(client.patch("/short-urls/x", json={"maxVisits": 3}))
    await proxy.triggered.wait()
    proxy.mend()
    assert (await editing).json()["meta"]["maxVisits"] == 3


async def test_a_commit_of_unknown_outcome_is_called_that(
    client: httpx2.AsyncClient, postgres: tuple[TcpProxy, str]
) -> None:
    """If PostgreSQL stays away the caller learns that it must look before trying again."""
    proxy, _ = postgres
    proxy.shut_on(b"COMMIT;", after_delivery=True)
    answer = await create(client)
    assert_unavailable(answer)
    assert "look before trying again" in answer.json()["detail"]


async def test_an_edit_of_unknown_outcome_is_called_that(
    client: httpx2.AsyncClient, postgres: tuple[TcpProxy, str]
) -> None:
    """An edit may be repeated, but if that fails it may still have been stored."""
    await create(client, customSlug="x")
    postgres[0].shut_on(b"COMMIT;", after_delivery=True)
    answer = await client.patch("/short-urls/x", json={"title": "t"})
    assert_unavailable(answer)
    assert "look before trying again" in answer.json()["detail"]


async def test_an_exhausted_pool_is_unavailable_soon(database_url: str, redis_url: str) -> None:
    """When every connection is busy, a caller is sent away instead of kept waiting."""
    pools = {"DATABASE_MAX_CONNECTIONS": "4"}  # of which one is this process's
    async with running_shortener(database_url, redis_url, **pools) as client:
        await create(client, customSlug="x")
        blocker = await asyncpg.connect(database_url)
        await blocker.execute("BEGIN; SELECT FROM links FOR UPDATE")
        stuck = asyncio.create_task(client.patch("/short-urls/x", json={"title": "t"}))
        async with asyncio.timeout(5):
            while (answer := await client.get("/short-urls/x")).status_code == 200:
                pass
        assert_unavailable(answer)
        assert answer.json()["detail"] == "All connections to the database are in use."
        await blocker.close()
        assert (await stuck).status_code == 200
        assert (await client.get("/short-urls/x")).json()["title"] == "t"


async def test_it_waits_for_a_database_that_is_not_migrated_yet(
    empty_database_url: str, redis_url: str
) -> None:
    """Started too early it neither dies nor stays useless: the key is stored later."""
    async with running(create_app(a_settings(empty_database_url, redis_url))) as client:
        assert (await client.get("/short-urls")).status_code == 500
        await migrate(Secret(empty_database_url))
        async with asyncio.timeout(10):
            while (await client.get("/short-urls")).status_code != 200:
                await asyncio.sleep(0.05)


async def test_a_creation_that_breaks_before_the_commit_leaves_nothing(
    client: httpx2.AsyncClient, postgres: tuple[TcpProxy, str], database_url: str
) -> None:
    """Neither link nor domain nor tag nor outbox row is there."""
    proxy, _ = postgres
    proxy.shut_on(b"INSERT INTO link_outbox", after_delivery=True)
    assert_unavailable(await create(client, domain="d.test", tags=["t"]))
    for table in ("links", "domains", "tags", "link_outbox"):
        assert not await fetch(database_url, f"SELECT FROM {table}"), table


async def test_it_starts_without_redis_and_says_degraded(
    database_url: str, redis_door: tuple[TcpProxy, str]
) -> None:
    """A dead Redis prevents neither the start nor the work."""
    redis_door[0].shut()
    async with running_shortener(database_url, redis_door[1]) as client:
        assert (await create(client)).status_code == 200
        readiness = await client.get("http://shortener/readyz")
        assert (readiness.status_code, readiness.json()["status"]) == (200, "degraded")


async def test_it_starts_without_postgres_and_stores_the_first_key_later(
    postgres: tuple[TcpProxy, str], redis_url: str
) -> None:
    """The service is up and down at once: alive, not ready, and working when PostgreSQL is."""
    postgres[0].shut()
    opening = running_shortener(postgres[1], redis_url)
    client = await opening.__aenter__()
    try:
        assert_unavailable(await client.get("/short-urls"))
        assert (await client.get("http://shortener/healthz")).status_code == 200
        postgres[0].mend()
        async with asyncio.timeout(5):
            while (await client.get("/short-urls")).status_code != 200:
                await asyncio.sleep(0.02)
    finally:
        await opening.__aexit__(None, None, None)
