"""Alerts of a real Prometheus about a real stack, and dashboards with real data.

The rules are the shipped ones, sixty times as fast: what looks at an hour looks at a minute.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import asyncpg
import httpx2
import pytest

from local_stack.programs import ALL
from local_stack.stack import Stack
from shared import broker
from shared.settings import Secret
from tests.support.monitoring import Dashboard, dashboards
from tests.support.prometheus import Prometheus
from tests.support.stack import started_stack

FIRES_WITHIN_S = 90
SCRAPED_WITHIN_S = 30
RATE_INTERVAL = "[30s]"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything and Prometheus, with few connections to PostgreSQL."""
    with started_stack(
        tmp_path_factory.mktemp("watched"),
        programs=(*ALL, "prometheus"),
        environment={"PROMETHEUS_SPEED": "60", "DATABASE_MAX_CONNECTIONS": "10"},
    ) as started:
        yield started


@pytest.fixture
async def prometheus(stack: Stack) -> AsyncIterator[Prometheus]:
    """A client of Prometheus, once every process was scraped."""
    async with Prometheus(stack.port("prometheus")) as client, asyncio.timeout(SCRAPED_WITHIN_S):
        while set((targets := await client.targets()).values()) != {"up"} or len(targets) != 4:
            await asyncio.sleep(0.2)
        yield client


@asynccontextmanager
async def again_and_again(call: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Make a call over and over while the block runs."""

    async def make() -> None:
        while True:
            await call()
            await asyncio.sleep(0.02)

    calling = asyncio.create_task(make())
    try:
        yield
    finally:
        calling.cancel()
        await asyncio.wait({calling})


async def until_fires(prometheus: Prometheus, **labels: str) -> None:
    """Wait for an alert with these labels."""
    async with asyncio.timeout(FIRES_WITHIN_S):
        while not any(labels.items() <= alert.items() for alert in await prometheus.firing()):
            await asyncio.sleep(0.25)


async def test_faults_are_told(
    stack: Stack, prometheus: Prometheus, visitor: httpx2.AsyncClient, api: httpx2.AsyncClient
) -> None:
    """Missing clicks, a cache that misses and a pool that is always busy: each has its alert."""
    told = ("ClicksMissing", "CacheHitRatioLow", "PoolUtilisationHigh")
    assert not {alert["alertname"] for alert in await prometheus.firing()}.intersection(told)
    await take_clicks_from_the_queue(stack, visitor)
    async with (
        asyncio.TaskGroup() as tasks,
        # Codes that nobody has asked for before.
        again_and_again(lambda: visitor.get(f"/{uuid.uuid4().hex[:10]}")),
        locked_table(stack),
        again_and_again(lambda: ask_at_once(api, calls=8)),
    ):
        alerts = (
            {"alertname": "ClicksMissing", "severity": "page"},
            {"alertname": "CacheHitRatioLow", "severity": "page", "burn": "fast"},
            {"alertname": "PoolUtilisationHigh", "instance": "shortener", "pool": "postgres"},
        )
        await asyncio.wait(
            [tasks.create_task(until_fires(prometheus, **labels)) for labels in alerts]
        )


async def take_clicks_from_the_queue(stack: Stack, visitor: httpx2.AsyncClient) -> None:
    """Do what somebody with a hand in the queue does: the clicks never arrive."""
    await asyncio.to_thread(stack.stop_program, "click-ingest")
    for _ in range(20):
        await visitor.get("/any")
    connection = await broker.connect(Secret(stack.urls.amqp_url), connection_name="tests")
    async with connection, connection.channel() as channel, asyncio.timeout(FIRES_WITHIN_S):
        queue = await channel.get_queue(broker.INGEST_QUEUE)
        taken = None
        while taken is None or not taken.body:
            taken = await queue.get(no_ack=True, fail=False)
            await asyncio.sleep(0.05)
    await asyncio.to_thread(stack.start_program, "click-ingest")


@asynccontextmanager
async def locked_table(stack: Stack) -> AsyncIterator[None]:
    """Keep waiting whoever asks for tags."""
    connection = await asyncpg.connect(stack.urls.database_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE tags IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def ask_at_once(api: httpx2.AsyncClient, calls: int) -> None:
    """Ask for more lists than there are connections."""
    async with asyncio.TaskGroup() as tasks:
        for _ in range(calls):
            tasks.create_task(api.get("/short-urls", params={"tags[]": "x"}))


@pytest.mark.parametrize("dashboard", dashboards(), ids=lambda dashboard: dashboard.name)
async def test_panels_have_data(
    stack: Stack,
    prometheus: Prometheus,
    api: httpx2.AsyncClient,
    dashboard: Dashboard,
) -> None:
    """Prometheus takes every query of every panel, and answers each with at least one series."""
    assert (await api.get("/short-urls")).status_code == 200
    for query in dashboard.queries:
        expression = query.expression.replace("[$__rate_interval]", RATE_INTERVAL)
        async with asyncio.timeout(SCRAPED_WITHIN_S):
            while not await prometheus.now(expression):
                await asyncio.sleep(0.25)
