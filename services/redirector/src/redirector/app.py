"""The redirector's wiring: every client, every task and the order in which they open and close."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from redirector import pages
from redirector.asgi_redirect import AsgiRedirect
from redirector.cached_links import LATE_TIMEOUT_S, WRITE_BACK_MAX_AGE_S
from redirector.click import ClickMaker
from redirector.click_publisher import ClickPublisher, drain_within
from redirector.click_recorder import ClickRecorder
from redirector.link_store import LinkStore
from redirector.redirect import Redirect
from redirector.redis_reads import RedisReads
from redirector.resolver import Resolver
from redirector.scan_limit import ScanLimit
from redirector.settings import Settings
from redirector.spool import ClickSpool
from redirector.spool_folder import SpoolFolder
from redirector.visit_charge import VisitCharge
from redirector.visit_limit import VisitLimit
from shared.background import background_tasks
from shared.bots import BotPatterns
from shared.db.engine import create_engine, warm
from shared.health import Check, health_routes
from shared.link_cache import LinkCache
from shared.metrics import RedirectorMetrics, create_registry
from shared.pool_budget import database_share, redis_share
from shared.redis_client import create_redis

log = structlog.get_logger()


def create_app(settings: Settings) -> Starlette:
    """Make the application; opens nothing before its lifespan begins."""
    registry = create_registry()
    metrics = RedirectorMetrics(registry)
    checks: list[Check] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Redirect]]:
        async with AsyncExitStack() as stack:
            redirect = await _open(settings, metrics, checks, stack)
            app.router.default = AsgiRedirect(redirect, clock=time.time)
            # What lives until the end needs no looking through by the garbage collector.
            gc.collect()
            gc.freeze()
            log.info("redirector_started")
            # Each connection finds it there: see RedirectProtocol.
            yield {"redirect": redirect}
            log.info("redirector_stopping")

    return Starlette(routes=health_routes(lambda: checks, registry), lifespan=lifespan)


async def _open(
    settings: Settings, metrics: RedirectorMetrics, checks: list[Check], stack: AsyncExitStack
) -> Redirect:
    """Open everything in dependency order; the stack closes it in reverse."""
    name = settings.instance or "redirector"
    tasks = await stack.enter_async_context(background_tasks())

    redis_connections = redis_share("redirector", settings.redis.pool_size, settings.replicas)
    redis_timeout_s = settings.lookup.redis_timeout_ms / 1000
    # One connection of the share is for lookups.
    redis = create_redis(
        settings.redis.url,
        client_name=name,
        pool_size=max(1, redis_connections - 1),
        timeout_s=WRITE_BACK_MAX_AGE_S,
    )
    stack.push_async_callback(redis.aclose)
    redis_reads = RedisReads(settings.redis.url, client_name=f"{name} lookups", tasks=tasks)
    stack.callback(redis_reads.close)
    cache = LinkCache(redis, settings.link_cache, reads=redis_reads)

    database_connections = database_share(
        "redirector", settings.database.max_connections, settings.replicas
    )
    database_timeout_s = settings.lookup.database_timeout_ms / 1000
    # One connection of the share is for the primary, where limited links take their visits.
    read_engine = create_engine(
        settings.database_read_url or settings.database.url,
        application_name=name,
        pool_size=max(1, database_connections - 1),
        statement_timeout_s=database_timeout_s,
        pool_timeout_s=database_timeout_s,
        autocommit=True,
    )
    stack.push_async_callback(read_engine.dispose)
    primary_engine = create_engine(
        settings.database.url,
        application_name=f"{name} visit limits",
        pool_size=1,
        statement_timeout_s=database_timeout_s,
        pool_timeout_s=database_timeout_s,
        autocommit=True,
    )
    stack.push_async_callback(primary_engine.dispose)
    store = LinkStore(read_engine)

    spool = ClickSpool(
        SpoolFolder.create(settings.spool.dir),
        segment_bytes=settings.spool.segment_bytes,
        max_bytes=settings.spool.max_bytes,
        metrics=metrics,
    )
    stack.callback(spool.close)
    tasks.create_task(spool.sync_every(settings.spool.fsync_ms / 1000))
    publisher = ClickPublisher(
        url=settings.amqp.url,
        name=name,
        spool=spool,
        root=settings.spool.dir,
        max_clicks=settings.publish.max_clicks,
        linger_s=settings.publish.linger_ms / 1000,
        timeout_s=settings.publish.timeout_ms / 1000,
        metrics=metrics,
    )
    stack.callback(publisher.close)
    publishing = tasks.create_task(publisher.run())
    stack.push_async_callback(
        drain_within, publisher, publishing, settings.publish.drain_ms / 1000
    )
    metrics.spool_bytes.set_function(lambda: spool.backlog_bytes)
    metrics.spool_age.set_function(publisher.oldest_age_s)

    resolver = Resolver(
        cache=cache,
        store=store,
        metrics=metrics,
        tasks=tasks,
        cache_timeout_s=redis_timeout_s,
        store_timeout_s=database_timeout_s,
        store_calls=max(1, database_connections - 1),
    )
    checks[:] = _checks(cache, read_engine, publisher, spool)
    await _warm(cache, read_engine, max(1, database_connections - 1))
    recorder = ClickRecorder(
        ClickMaker(
            default_domain=settings.default_domain,
            scheme=settings.public_scheme,
            visitor_hash_key=settings.visitor_hash_key,
            anonymize_ip=settings.track.anonymize_ip,
        ),
        spool,
        track_orphans=settings.track.orphans,
    )
    return Redirect(
        resolver=resolver,
        visit_charge=VisitCharge(
            VisitLimit(primary_engine), is_bot=BotPatterns().is_bot, metrics=metrics
        ),
        recorder=recorder,
        scan_limit=ScanLimit(
            # Each replica sees its part of what a visitor asks for.
            per_period=-(-settings.limit.unknown_per_minute // settings.replicas.redirector),
            exempt=settings.limit.exempt_networks(),
            clock=time.monotonic,
            metrics=metrics,
        ),
        own_pages=pages.OWN,
        metrics=metrics,
        default_domain=settings.default_domain.lower(),
        status=settings.redirect_status,
        max_waiting=settings.max_waiting_visitors,
        clock=time.time,
        tasks=tasks,
    )


async def _warm(cache: LinkCache, engine: AsyncEngine, connections: int) -> None:
    """Open connections before the first request; what is away is only said, and tried later."""
    try:
        async with asyncio.timeout(LATE_TIMEOUT_S):
            await cache.ping()
    except Exception as error:  # every kind of failure of the client means the same here
        log.warning("redis_away_at_start", reason=repr(error))
    try:
        await warm(engine, connections)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("database_away_at_start", reason=repr(error))


def _checks(
    cache: LinkCache, engine: AsyncEngine, publisher: ClickPublisher, spool: ClickSpool
) -> list[Check]:
    """List what the redirector depends on: nothing alone takes it out of rotation."""

    async def check_redis() -> None:
        await cache.ping()

    async def check_database() -> Mapping[str, Any]:
        await LinkStore(engine).ping()
        return {"pool": engine.pool.status()}

    async def check_broker() -> None:
        if not publisher.is_connected:
            raise ConnectionError("not connected; clicks wait in the spool")

    async def check_spool() -> Mapping[str, Any]:
        return {"backlog_bytes": spool.backlog_bytes}

    return [
        Check("redis", check_redis),
        Check("postgres", check_database),
        Check("rabbitmq", check_broker),
        Check("spool", check_spool),
    ]
