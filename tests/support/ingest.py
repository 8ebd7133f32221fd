"""A click-ingest worker in the test's own process, what goes in and what came out."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import msgspec
from aio_pika.abc import AbstractIncomingMessage
from prometheus_client import Gauge
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from click_ingest.batch import open_batch
from click_ingest.click_writer import ClickWriter
from click_ingest.codecs import register_codecs
from click_ingest.partitions import Partitions
from click_ingest.settings import Settings
from click_ingest.user_agent import UserAgents
from click_ingest.worker import create_app
from shared import broker
from shared.db.engine import create_engine
from shared.settings import Secret, load
from tests.support.asgi import call
from tests.support.clicks import Delivered
from tests.support.database import fetch

DEADLINE_S = 30

USER_AGENTS = UserAgents()
"""One for all tests: it takes a moment to make and remembers nothing that matters."""


class Worker:
    """What can be seen of a running worker from outside."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    async def readiness(self) -> dict[str, Any]:
        """Ask for its state."""
        answer = await call(self._app, "/readyz")
        state: dict[str, Any] = msgspec.json.decode(answer.body)
        return {**state, "code": answer.status}

    async def is_consuming(self) -> bool:
        """Tell whether the broker's check is content."""
        state = await self.readiness()
        return bool(state["checks"]["rabbitmq"]["status"] == "ok")

    async def count(self, name: str, **labels: str) -> float:
        """Read a metric."""
        text = (await call(self._app, "/metrics")).body.decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


def worker_environment(database_url: str, amqp_url: str, **more: str) -> dict[str, str]:
    """Make a worker's environment, with a short batch age so that tests are quick."""
    return {
        "DATABASE_URL": database_url,
        "AMQP_URL": amqp_url,
        "BATCH_MAX_AGE_MS": "20",
        "CLICK_PARTITION_DAYS_BEHIND": "1",
        "CLICK_PARTITION_DAYS_AHEAD": "2",
        **more,
    }


@asynccontextmanager
async def running_worker(database_url: str, amqp_url: str, **more: str) -> AsyncIterator[Worker]:
    """Run a worker for the block, then let it drain."""
    app = create_app(load(Settings, worker_environment(database_url, amqp_url, **more)))
    async with app.router.lifespan_context(app):
        yield Worker(app)


@asynccontextmanager
async def an_engine(database_url: str, connections: int = 4) -> AsyncIterator[AsyncEngine]:
    """Open an engine as the worker does."""
    engine = create_engine(
        Secret(database_url),
        application_name="tests",
        pool_size=connections,
        statement_timeout_s=20,
        pool_timeout_s=20,
    )
    register_codecs(engine)
    try:
        yield engine
    finally:
        await engine.dispose()


def a_writer(engine: AsyncEngine) -> ClickWriter:
    """Make the worker's writer."""
    return ClickWriter(engine, user_agents=USER_AGENTS)


async def write(writer: ClickWriter, *messages: Delivered) -> int:
    """Write messages as one batch."""
    return await writer.write(open_batch(messages))


async def make_partitions(engine: AsyncEngine, *, days: int = 2) -> None:
    """Make partitions of clicks around today."""
    gauge = Gauge("horizon", "Test", registry=None)
    await Partitions(
        engine, days_ahead=days, days_behind=days, retention_days=0, gauge=gauge
    ).ensure()


async def publish(amqp_url: str, messages: Iterable[Delivered]) -> None:
    """Publish messages to the clicks exchange, as a redirector does."""
    connection = await broker.connect(Secret(amqp_url), connection_name="tests publish")
    async with connection:
        channel = await connection.channel(on_return_raises=True)
        exchange = await broker.declare_topology(channel)
        for message in messages:
            await exchange.publish(
                aio_pika.Message(
                    message.body,
                    headers=message.headers,
                    delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                ),
                routing_key=broker.CLICKS_ROUTING_KEY,
            )


async def take_all(
    amqp_url: str, queue_name: str = broker.DEAD_QUEUE
) -> list[AbstractIncomingMessage]:
    """Take everything out of a queue; of the dead letters unless told otherwise."""
    connection = await broker.connect(Secret(amqp_url), connection_name="tests consume")
    async with connection:
        channel = await connection.channel()
        await broker.declare_topology(channel)
        queue = await channel.get_queue(queue_name)
        found = []
        while (message := await queue.get(no_ack=True, fail=False)) is not None:
            found.append(message)
        return found


async def queued(amqp_url: str, queue_name: str = broker.INGEST_QUEUE) -> int:
    """Count the messages that are ready in a queue."""
    connection = await broker.connect(Secret(amqp_url), connection_name="tests count")
    async with connection:
        channel = await connection.channel()
        await broker.declare_topology(channel)
        queue = await channel.declare_queue(queue_name, passive=True)
        return queue.declaration_result.message_count or 0


async def until(is_so: Callable[[], Awaitable[bool]], deadline_s: float = DEADLINE_S) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(deadline_s):
        while not await is_so():
            await asyncio.sleep(0.02)


async def until_stored(database_url: str, clicks: int) -> None:
    """Wait for so many rows; more than that is an error at once."""

    async def are_there() -> bool:
        stored = await stored_clicks(database_url)
        assert stored <= clicks, f"{stored} rows of {clicks} clicks"
        return stored == clicks

    await until(are_there)


async def stored_clicks(database_url: str) -> int:
    """Count the rows."""
    return int((await fetch(database_url, "SELECT count(*) FROM clicks"))[0][0])


async def ledger(database_url: str, source: uuid.UUID) -> tuple[str, int, int, int]:
    """Read a source's row: received ranges, stored, set aside, and what that leaves: repeats."""
    (row,) = await fetch(
        database_url,
        """
        SELECT received::text, stored, dead_lettered, (
            SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM unnest(received) AS r
        ) - stored - dead_lettered
        FROM click_sources WHERE source = $1
        """,
        source,
    )
    return (row[0], row[1], row[2], row[3])


async def assert_counts_are_rows(database_url: str) -> None:
    """Compare both rollups with what they count."""
    for rollup, hour in (("click_counts_hourly", "hour,"), ("click_counts_total", "")):
        (row,) = await fetch(
            database_url,
            f"""
            WITH counted AS (
                SELECT coalesce(link_id, 0) AS link_id, type, is_bot,
                    {"date_trunc('hour', clicked_at, 'UTC') AS hour," if hour else ""}
                    count(*) AS clicks
                FROM clicks GROUP BY {"1, 2, 3, 4" if hour else "1, 2, 3"}
            )
            SELECT count(*) FROM counted
            FULL JOIN {rollup} AS kept USING (link_id, type, {hour} is_bot)
            WHERE counted.clicks IS DISTINCT FROM kept.clicks
            """,
        )
        assert row[0] == 0, f"{rollup} disagrees with clicks in {row[0]} rows"


def bodies(messages: Sequence[AbstractIncomingMessage]) -> list[bytes]:
    """Return the bodies."""
    return [message.body for message in messages]
