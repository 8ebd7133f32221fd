"""What callers of the API meet while PostgreSQL is away, and what is true afterwards."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import httpx2
import pytest

from shared.db.migrate import migrate
from shared.settings import Secret
from shortener import app
from shortener.app import create_app
from tests.support.api import a_settings, running, running_shortener
from tests.support.database import FAREWELL, fetch, taking_no_writes
from tests.support.short_urls import LONG_URL, try_to_create
from tests.support.tcp_proxy import TcpProxy, proxied


@pytest.fixture
async def postgres(database_url: str) -> AsyncIterator[tuple[TcpProxy, str]]:
    """The door to PostgreSQL, and the URL that leads through it."""
    async with proxied(database_url) as door:
        yield door


@pytest.fixture
async def client(
    postgres: tuple[TcpProxy, str], redis_url: str
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a shortener that reaches PostgreSQL through the door."""
    async with running_shortener(postgres[1], redis_url) as client:
        yield client


def assert_unavailable(answer: httpx2.Response) -> None:
    """Check that this is the documented problem."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["type"].endswith("/service-unavailable")


def shut_on_commit(proxy: TcpProxy, mention: str, *, after_delivery: bool) -> None:
    """Shut on the COMMIT of who mentions that: the shortener's own tasks commit things as well."""
    proxy.shut_on(b"COMMIT;", once_sent=mention.encode(), after_delivery=after_delivery)


async def test_a_farewell_between_two_statements_is_no_error(
    client: httpx2.AsyncClient, postgres: tuple[TcpProxy, str]
) -> None:
    """Who finds that PostgreSQL has taken leave of its connection asks again on another one."""
    await try_to_create(client, customSlug="x")
    for call in ("GET", "PATCH"):
        await postgres[0].tell(FAREWELL)
        answer = await client.request(call, "/short-urls/x", json={} if call == "PATCH" else None)
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("way", ["shut", "freeze"])
async def test_without_postgres_every_call_is_unavailable(
    client: httpx2.AsyncClient, postgres: tuple[TcpProxy, str], way: str
) -> None:
    """Each call is answered with the documented problem, and works again without a restart."""
    await try_to_create(client, customSlug="x")
    getattr(postgres[0], way)()
    calls = [
        client.get("/short-urls"),
        client.get("/short-urls/x"),
        client.patch("/short-urls/x", json={"title": "t"}),
        client.delete("/short-urls/x"),
        try_to_create(client),
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
    assert (await try_to_create(client)).status_code == 200
    assert (await client.get("/health")).json()["status"] == "pass"


async def test_connections_that_died_unnoticed_are_no_error(
    client: httpx2.AsyncClient, postgres: tuple[TcpProxy, str]
) -> None:
    """After a restart of PostgreSQL the first calls find dead connections and do not fail."""
    postgres[0].shut()
    postgres[0].mend()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(try_to_create(client)) for _ in range(8)]
    assert {task.result().status_code for task in tasks} == {200}


async def test_a_standby_is_unavailable_and_left_for_the_primary(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """Writes are unavailable while the server only reads, and go to where the address leads."""
    await try_to_create(client, customSlug="x")
    async with taking_no_writes(database_url):
        for call in (
            client.patch("/short-urls/x", json={"title": "t"}),
            client.delete("/short-urls/x"),
            try_to_create(client),
        ):
            assert_unavailable(await call)
        assert (await client.get("/short-urls/x")).status_code == 200
    assert (await try_to_create(client)).status_code == 200
    assert (await client.patch("/short-urls/x", json={"title": "t"})).status_code == 200


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
    shut_on_commit(proxy, LONG_URL, after_delivery=was_delivered)
    creating = asyncio.create_task(try_to_create(client, **slug))
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
    await try_to_create(client, customSlug="doomed")
    proxy, _ = postgres
    shut_on_commit(proxy, "doomed", after_delivery=was_delivered)
    deleting = asyncio.create_task(client.delete("/short-urls/doomed"))
    await proxy.triggered.wait()
    proxy.mend()
    assert (await deleting).status_code == 204
    assert not await fetch(database_url, "SELECT FROM links")


async def test_an_edit_succeeds_when_the_commit_gets_no_answer(
    client: httpx2.AsyncClient, postgres: tuple[TcpProxy, str]
) -> None:
    """An edit is made again, which leads to the same link."""
    await try_to_create(client, customSlug="reworded", maxVisits=5)
    proxy, _ = postgres
    shut_on_commit(proxy, "reworded", after_delivery=True)
    editing = asyncio.create_task(client.patch("/short-urls/reworded", json={"maxVisits": 3}))
    await proxy.triggered.wait()
    proxy.mend()
    assert (await editing).json()["meta"]["maxVisits"] == 3


async def test_a_commit_of_unknown_outcome_is_called_that(
    client: httpx2.AsyncClient, postgres: tuple[TcpProxy, str]
) -> None:
    """If PostgreSQL stays away the caller learns that it must look before trying again."""
    proxy, _ = postgres
    shut_on_commit(proxy, LONG_URL, after_delivery=True)
    answer = await try_to_create(client)
    assert_unavailable(answer)
    assert "look before trying again" in answer.json()["detail"]


async def test_an_edit_of_unknown_outcome_is_called_that(
    client: httpx2.AsyncClient, postgres: tuple[TcpProxy, str]
) -> None:
    """An edit may be repeated, but if that fails it may still have been stored."""
    await try_to_create(client, customSlug="reworded")
    shut_on_commit(postgres[0], "reworded", after_delivery=True)
    answer = await client.patch("/short-urls/reworded", json={"title": "t"})
    assert_unavailable(answer)
    assert "look before trying again" in answer.json()["detail"]


async def test_an_exhausted_pool_is_unavailable_soon(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When every connection stays busy, a caller is sent away instead of kept waiting."""
    monkeypatch.setattr(app, "POOL_TIMEOUT_S", 1.0)  # the process's own tasks wait for it too
    monkeypatch.setattr(app, "STATEMENT_TIMEOUT_S", 60)
    pools = {"DATABASE_MAX_CONNECTIONS": "4"}  # of which one is this process's
    async with running_shortener(database_url, redis_url, **pools) as client:
        assert (await try_to_create(client, customSlug="x")).status_code == 200
        blocker = await asyncpg.connect(database_url)
        try:
            await blocker.execute("BEGIN; SELECT FROM links FOR UPDATE")
            stuck = asyncio.create_task(client.patch("/short-urls/x", json={"title": "t"}))
            async with asyncio.timeout(20):
                while (answer := await client.get("/short-urls/x")).status_code == 200:
                    pass
        finally:
            await blocker.close()
        assert_unavailable(answer)
        assert answer.json()["detail"] == "All connections to the database are in use."
        assert (await stuck).status_code == 200
        async with asyncio.timeout(20):
            while (await client.get("/short-urls/x")).json().get("title") != "t":
                await asyncio.sleep(0.05)


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
    assert_unavailable(await try_to_create(client, domain="d.test", tags=["t"]))
    for table in ("links", "domains", "tags", "link_outbox"):
        assert not await fetch(database_url, f"SELECT FROM {table}"), table


async def test_it_starts_without_postgres_and_stores_the_first_key_later(
    postgres: tuple[TcpProxy, str], redis_url: str
) -> None:
    """The service is up and down at once: alive, not ready, and working when PostgreSQL is."""
    postgres[0].shut()
    async with running(create_app(a_settings(postgres[1], redis_url))) as client:
        assert_unavailable(await client.get("/short-urls"))
        assert (await client.get("http://shortener/healthz")).status_code == 200
        postgres[0].mend()
        async with asyncio.timeout(20):
            while (await client.get("/short-urls")).status_code != 200:
                await asyncio.sleep(0.02)
