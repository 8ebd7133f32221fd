"""The wiring of a click-ingest worker: what is made of what, in which order it starts and ends."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import structlog
from aio_pika.abc import AbstractConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from click_ingest.batcher import Batcher
from click_ingest.click_writer import ClickWriter
from click_ingest.codecs import register_codecs
from click_ingest.consumer import Consumer
from click_ingest.dead_letters import DeadLetters
from click_ingest.flush import Flusher, Writer
from click_ingest.ledger_watch import LedgerWatch
from click_ingest.partitions import Partitions
from click_ingest.poison_guard import PoisonGuard
from click_ingest.queue_watch import QueueWatch
from click_ingest.settings import Settings
from click_ingest.statistics_keeper import StatisticsKeeper
from click_ingest.subscription import Subscription
from click_ingest.user_agent import UserAgents
from shared import broker
from shared.background import background_tasks
from shared.db.engine import create_engine, ping, warm_if_there
from shared.db.pool import pool_usage
from shared.garbage import keep_for_good
from shared.health import Check, health_routes
from shared.metrics import IngestMetrics, create_registry
from shared.pool_budget import database_share
from shared.tracing import create_tracing

if TYPE_CHECKING:
    from shared.span_export import Tracing

DRAIN_S = 8.0
"""For writing what is held on SIGTERM; what is not done then comes again to the next worker."""

STATEMENT_TIMEOUT_S = 30.0
POOL_TIMEOUT_S = 5.0

log = structlog.get_logger()


def create_app(settings: Settings) -> Starlette:
    """Make the worker as an app whose lifespan consumes; opens nothing before it begins."""
    registry = create_registry()
    metrics = IngestMetrics(registry)
    checks: list[Check] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            checks[:] = await _open(settings, metrics, stack)
            keep_for_good()
            log.info("click_ingest_started")
            yield
            log.info("click_ingest_stopping")

    return Starlette(routes=health_routes(lambda: checks, registry), lifespan=lifespan)


async def _open(settings: Settings, metrics: IngestMetrics, stack: AsyncExitStack) -> list[Check]:
    """Open everything in dependency order; the stack closes it in reverse. Return the checks."""
    connections = database_share(
        "click-ingest", settings.database.max_connections, settings.replicas
    )
    tracing = create_tracing(
        settings.otel, service="click-ingest", instance=settings.instance, metrics=metrics.traces
    )
    if tracing is not None:
        await stack.enter_async_context(tracing.exporting())
    engine = _create_engine(settings, connections)
    stack.push_async_callback(engine.dispose)
    metrics.pools.watch("postgres", pool_usage(engine))
    dead_letters = DeadLetters(connect=_connector(settings, "dead letters"))
    stack.push_async_callback(dead_letters.close)
    partitions = Partitions(
        engine,
        days_ahead=settings.click_partition.days_ahead,
        days_behind=settings.click_partition.days_behind,
        retention_days=settings.click_retention_days,
        gauge=metrics.partition_horizon,
    )
    await warm_if_there({engine: connections})
    queues = QueueWatch(connect=_connector(settings, "queue watch"), metrics=metrics)
    stack.push_async_callback(queues.close)
    writer = _create_writer(engine, tracing)
    consumer = _create_consumer(settings, writer, partitions, dead_letters, metrics)
    metrics.is_stopped.set_function(lambda: consumer.poison_stop is not None)
    tasks = await stack.enter_async_context(background_tasks())
    tasks.create_task(partitions.keep())
    tasks.create_task(LedgerWatch(engine, metrics).keep())
    tasks.create_task(StatisticsKeeper(engine, metrics, share=settings.statistics.share).keep())
    tasks.create_task(queues.keep())
    consuming = tasks.create_task(consumer.run())
    stack.push_async_callback(_drain, consumer, consuming)
    return [
        Check("rabbitmq", consumer.broker_probe, required=True, details=queues.details),
        Check("postgres", lambda: ping(engine), required=True, details=pool_usage(engine).details),
        Check("poison", consumer.poison_probe, required=True),
        Check("partitions", partitions.probe),
    ]


async def _drain(consumer: Consumer, consuming: "asyncio.Task[None]") -> None:
    consumer.drain()
    _, pending = await asyncio.wait({consuming}, timeout=DRAIN_S)
    if pending:
        log.warning("drain_abandoned", standing=consumer.standing)
    consuming.cancel()


def _create_engine(settings: Settings, connections: int) -> AsyncEngine:
    engine = create_engine(
        settings.database.url,
        application_name=settings.instance or "click-ingest",
        pool_size=connections,
        statement_timeout_s=STATEMENT_TIMEOUT_S,
        pool_timeout_s=POOL_TIMEOUT_S,
    )
    register_codecs(engine)
    return engine


def _connector(settings: Settings, purpose: str) -> Callable[[], Awaitable[AbstractConnection]]:
    name = f"{settings.instance or 'click-ingest'} {purpose}"
    return lambda: broker.connect(settings.amqp.url, connection_name=name)


def _create_writer(engine: AsyncEngine, tracing: "Tracing | None") -> Writer:
    if tracing is None:
        return ClickWriter(engine, user_agents=UserAgents())
    from click_ingest.store_traces import TracedWriter, note_commit

    writer = ClickWriter(engine, user_agents=UserAgents(), before_commit=note_commit)
    return TracedWriter(writer, tracing.tracer)


def _create_consumer(
    settings: Settings,
    writer: Writer,
    partitions: Partitions,
    dead_letters: DeadLetters,
    metrics: IngestMetrics,
) -> Consumer:
    flusher = Flusher(
        writer=writer,
        dead_letters=dead_letters,
        guard=PoisonGuard(
            share_limit=settings.ingest.poison_share_limit,
            window_clicks=settings.ingest.poison_window_clicks,
        ),
        metrics=metrics,
    )

    def subscribe() -> Subscription:
        return Subscription(
            connect=_connector(settings, "clicks"),
            batcher=Batcher(
                max_clicks=settings.batch.max_clicks,
                max_messages=settings.ingest.prefetch // 2,
                max_age_s=settings.batch.max_age_ms / 1000,
                clock=time.monotonic,
            ),
            prefetch=settings.ingest.prefetch,
        )

    return Consumer(
        subscribe=subscribe, flush=flusher.flush, until_ready=partitions.ensure_until_done
    )
