"""Fixtures that more than one kind of test needs: real servers of this test run's own.

The servers are started once a session, on free ports and in a temporary folder, by the same code
that starts the local stack. Every test gets a database, a Redis and queues without a past.
"""

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import NoReturn

import asyncpg
import httpx2
import hypothesis
import pytest
import structlog
from redis.asyncio import Redis

from local_stack.stack import Stack
from shared import background
from shared.broker import CLICKS_EXCHANGE, DEAD_EXCHANGE, DEAD_QUEUE, INGEST_QUEUE, connect
from shared.db.migrate import migrate
from shared.settings import Secret
from tests.support.memory import folder_in_memory
from tests.support.stack import started_stack

TEMPLATE_DATABASE = "qck_template"
DROPPED_WITHIN_S = 30
LONGEST_FIRST = ("resilience", "e2e", "integration")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def pytest_configure() -> None:
    """Have SIGINT, which a script's background job ignores, reach those whom tests interrupt.

    How long an example takes is the machine's, so no property fails for it.
    """
    hypothesis.settings.register_profile(
        "qck", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("qck")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the kinds whose files take longest, so that no half is left alone with one."""

    def place(item: pytest.Item) -> int:
        kinds = [kind for kind in LONGEST_FIRST if kind in item.path.parts]
        return LONGEST_FIRST.index(kinds[0]) if kinds else len(LONGEST_FIRST)

    items.sort(key=place)


@pytest.fixture(autouse=True)
def a_failed_task_fails_its_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the end of this process, where the service that would end runs in it."""

    def fail() -> NoReturn:
        raise AssertionError("a background task failed, which would have ended the service")

    monkeypatch.setattr(background, "end_process", fail)


@pytest.fixture(autouse=True)
def logging_is_taken_back() -> Iterator[None]:
    """Forget which lines a program that ran in this process wanted logged."""
    former = structlog.get_config()
    yield
    structlog.configure(**former)


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL (with a migrated template database), Redis and RabbitMQ, without services."""
    servers = ("epmd", "rabbitmq", "postgres", "redis")
    with (
        folder_in_memory(otherwise=tmp_path_factory.mktemp("stores")) as folder,
        started_stack(folder, programs=servers) as stack,
    ):
        asyncio.run(_make_template(stack.urls.database_url))
        yield stack


async def _make_template(server_url: str) -> None:
    await _execute(server_url, f"CREATE DATABASE {TEMPLATE_DATABASE}")
    await migrate(Secret(_with_database(server_url, TEMPLATE_DATABASE)))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _with_database(url: str, name: str) -> str:
    return f"{url.rsplit('/', 1)[0]}/{name}"


@pytest.fixture
async def empty_database_url(stores: Stack) -> AsyncIterator[str]:
    """URL of a database without any table, dropped afterwards."""
    async for url in _database(stores, "template0"):
        yield url


@pytest.fixture
async def database_url(stores: Stack) -> AsyncIterator[str]:
    """URL of a freshly migrated database, dropped afterwards."""
    async for url in _database(stores, TEMPLATE_DATABASE):
        yield url


async def _database(stores: Stack, template: str) -> AsyncIterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    server_url = stores.urls.database_url
    # One connection for both: each costs both sides some hundredths of a second of work.
    server = await asyncpg.connect(server_url)
    try:
        await server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield _with_database(server_url, name)
        async with asyncio.timeout(DROPPED_WITHIN_S):
            while True:
                try:
                    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
                    return
                except asyncpg.InsufficientPrivilegeError:
                    # Autovacuum is in it, a superuser's process, which only a superuser may end.
                    await asyncio.sleep(0.05)
    finally:
        await server.close()


@pytest.fixture
async def redis_url(stores: Stack) -> str:
    """URL of an empty Redis."""
    url = stores.urls.redis_url
    async with Redis.from_url(url) as redis:
        await redis.flushall()
    return url


@pytest.fixture
async def amqp_url(stores: Stack) -> str:
    """URL of a RabbitMQ that has none of our queues and exchanges."""
    url = stores.urls.amqp_url
    connection = await connect(Secret(url), connection_name="tests")
    async with connection, connection.channel() as channel:
        for queue in (INGEST_QUEUE, DEAD_QUEUE):
            await channel.queue_delete(queue)
        for exchange in (CLICKS_EXCHANGE, DEAD_EXCHANGE):
            await channel.exchange_delete(exchange)
    return url


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything, services and nginx too, as `make run` has it. Whoever hurts it mends it."""
    with started_stack(tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.fixture
async def api(stack: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the API, with the first key."""
    async with httpx2.AsyncClient(
        base_url=f"{stack.urls.api_url}/rest/v3",
        headers={"X-Api-Key": stack.urls.api_key},
        timeout=10,
    ) as client:
        yield client


@pytest.fixture
async def visitor(stack: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser that does not follow redirects."""
    async with httpx2.AsyncClient(
        base_url=stack.urls.public_url, headers={"User-Agent": BROWSER}, timeout=10
    ) as client:
        yield client
