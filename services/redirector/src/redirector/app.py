"""The redirector's wiring: every client, every task and the order in which they open and close."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from redis.asyncio import Redis
from starlette.applications import Starlette

from redirector import pages
from redirector.adopted_spools import AdoptedSpools
from redirector.answers import Answers
from redirector.asgi_redirect import AsgiRedirect
from redirector.cached_links import LATE_TIMEOUT_S, WRITE_BACK_MAX_AGE_S
from redirector.click import ClickMaker
from redirector.click_publisher import ClickPublisher, drain_within
from redirector.click_recorder import ClickRecorder
from redirector.crawlable_links import CrawlableLinks
from redirector.domain_store import DomainStore
from redirector.domain_table import DomainTable
from redirector.health_checks import health_checks
from redirector.link_store import LinkStore
from redirector.not_found import NotFound
from redirector.pages import Page
from redirector.pixel import TrackingPixel
from redirector.places import MaxMindPlaces, NoPlaces
from redirector.redirect import OwnPath, Redirect
from redirector.redirect_rules import RedirectRules
from redirector.redis_reads import RedisReads
from redirector.request import Request
from redirector.resolver import Resolver
from redirector.robots import PATH as ROBOTS_PATH
from redirector.robots import Robots
from redirector.scan_limit import ScanLimit
from redirector.settings import Settings
from redirector.spool import ClickSpool
from redirector.spool_folder import SpoolFolder
from redirector.untracked import Untracked
from redirector.visit import Visitor
from redirector.visit_charge import VisitCharge
from redirector.visit_limit import VisitLimit
from shared.background import background_tasks
from shared.bots import BotPatterns
from shared.db.engine import create_engine, warm_if_there
from shared.db.pool import pool_usage
from shared.garbage import keep_for_good
from shared.health import Check, health_routes
from shared.link_cache import LinkCache
from shared.metrics import RedirectorMetrics, create_registry
from shared.pool_budget import database_share, redis_share
from shared.redis_client import create_redis
from shared.redis_client import warm as warm_redis
from shared.redis_pool import pool_usage as redis_pool_usage

log = structlog.get_logger()


def create_app(settings: Settings) -> Starlette:
    """Make the application; opens nothing before its lifespan begins."""
    registry = create_registry()
    metrics = RedirectorMetrics(registry)
    checks: list[Check] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Redirect]]:
        async with AsyncExitStack() as stack:
            redirect, checks[:] = await _open(settings, metrics, stack)
            app.router.default = AsgiRedirect(redirect, clock=time.time)
            keep_for_good()
            log.info("redirector_started")
            # Each connection finds it there: see RedirectProtocol.
            yield {"redirect": redirect}
            log.info("redirector_stopping")

    return Starlette(routes=health_routes(lambda: checks, registry), lifespan=lifespan)


async def _open(
    settings: Settings, metrics: RedirectorMetrics, stack: AsyncExitStack
) -> tuple[Redirect, Sequence[Check]]:
    """Open everything in dependency order; the stack closes it in reverse."""
    name = settings.instance or "redirector"
    tasks = await stack.enter_async_context(background_tasks())

    redis_connections = redis_share("redirector", settings.redis.pool_size, settings.replicas)
    redis_timeout_s = settings.lookup.redis_timeout_ms / 1000
    # One connection of the share is for lookups.
    redis = create_redis(
        settings.redis.url,
        client_name=name,
        pool_size=redis_connections - 1,
        timeout_s=WRITE_BACK_MAX_AGE_S,
    )
    stack.push_async_callback(redis.aclose)
    metrics.pools.watch("redis", redis_pool_usage(redis))
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
        pool_size=database_connections - 1,
        statement_timeout_s=database_timeout_s,
        pool_timeout_s=database_timeout_s,
        autocommit=True,
    )
    stack.push_async_callback(read_engine.dispose)
    metrics.pools.watch("postgres", pool_usage(read_engine))
    primary_engine = create_engine(
        settings.database.url,
        application_name=f"{name} visit limits",
        pool_size=1,
        statement_timeout_s=database_timeout_s,
        pool_timeout_s=database_timeout_s,
        autocommit=True,
    )
    stack.push_async_callback(primary_engine.dispose)
    metrics.pools.watch("postgres_visit_limits", pool_usage(primary_engine))
    store = LinkStore(read_engine)

    spool = ClickSpool(
        SpoolFolder.plan(settings.spool.dir),
        segment_bytes=settings.spool.segment_bytes,
        max_bytes=settings.spool.max_bytes,
        metrics=metrics,
    )
    stack.callback(spool.close)
    tasks.create_task(spool.sync_every(settings.spool.fsync_ms / 1000))
    adopted = AdoptedSpools(settings.spool.dir, metrics=metrics)
    stack.callback(adopted.release)
    publisher = ClickPublisher(
        url=settings.amqp.url,
        name=name,
        spool=spool,
        adopted=adopted,
        max_clicks=settings.publish.max_clicks,
        linger_s=settings.publish.linger_ms / 1000,
        timeout_s=settings.publish.timeout_ms / 1000,
        metrics=metrics,
    )
    publishing = tasks.create_task(publisher.run())
    stack.push_async_callback(
        drain_within, publisher, publishing, settings.publish.drain_ms / 1000
    )
    metrics.spool_bytes.set_function(lambda: spool.backlog_bytes + adopted.left_bytes)
    metrics.spool_clicks.set_function(lambda: spool.backlog_clicks)
    metrics.spool_limit.set(settings.spool.max_bytes)
    metrics.spool_age.set_function(publisher.oldest_age_s)

    resolver = Resolver(
        cache=cache,
        store=store,
        metrics=metrics,
        tasks=tasks,
        cache_timeout_s=redis_timeout_s,
        store_timeout_s=database_timeout_s,
        store_calls=database_connections - 1,
    )
    checks = health_checks(
        cache=cache, redis=redis, engine=read_engine, resolver=resolver, publisher=publisher,
        spool=spool, adopted=adopted, spool_max_bytes=settings.spool.max_bytes,
    )  # fmt: skip
    await _warm_cache(cache, redis, redis_connections - 1)
    await warm_if_there({read_engine: database_connections - 1, primary_engine: 1})
    places = _open_places(settings, stack, tasks)
    untracked = Untracked(settings.disable.track_param, settings.disable.patterns)
    recorder = ClickRecorder(
        ClickMaker(
            default_domain=settings.default_domain,
            scheme=settings.public_scheme,
            visitor_hash_key=settings.visitor_hash_key,
            anonymize_ip=settings.track.anonymize_ip,
            places=None if settings.geoip.database is None else places,
        ),
        spool,
        track_orphans=settings.track.orphans,
        untracked=untracked,
    )
    default_domain = settings.default_domain.lower()
    domains = DomainTable(DomainStore(read_engine))
    await domains.refresh()
    tasks.create_task(domains.refresh_forever())
    metrics.domain_redirects_age.set_function(domains.age_s)
    not_found = NotFound(
        recorder,
        domains,
        default={
            "base_url": settings.default.base_url_redirect,
            "regular_404": settings.default.regular_404_redirect,
            "invalid_short_url": settings.default.invalid_short_url_redirect,
        },
        default_domain=default_domain,
    )
    robots = Robots(
        CrawlableLinks(read_engine),
        user_agents=settings.robots.user_agents,
        allows_all=settings.robots.allow_all_short_urls,
        default_domain=default_domain,
        timeout_s=database_timeout_s,
        tasks=tasks,
    )
    scan_limit = ScanLimit(
        # Each replica sees its part of what a visitor asks for.
        per_period=-(-settings.limit.unknown_per_minute // settings.replicas.redirector),
        exempt=settings.limit.exempt_networks(),
        clock=time.monotonic,
        metrics=metrics,
    )
    redirect = Redirect(
        resolver=resolver,
        visit_charge=VisitCharge(
            VisitLimit(primary_engine), is_bot=BotPatterns().is_bot, metrics=metrics
        ),
        answers=Answers(
            recorder,
            rules=RedirectRules(places),
            untracked=untracked,
            not_found=not_found,
            scan_limit=scan_limit,
            metrics=metrics,
        ),
        not_found=not_found,
        scan_limit=scan_limit,
        pixel=TrackingPixel(
            resolver=resolver,
            recorder=recorder,
            metrics=metrics,
            default_domain=default_domain,
            clock=time.time,
            tasks=tasks,
        ),
        own_paths={ROBOTS_PATH: robots.take, "/favicon.ico": _showing(pages.FAVICON)},
        default_domain=default_domain,
        extra_path_mode=settings.redirect_extra_path_mode,
        status=settings.redirect_status,
        max_waiting=settings.max_waiting_visitors,
        metrics=metrics,
        clock=time.time,
        tasks=tasks,
    )
    metrics.visitors_waiting.set_function(lambda: redirect.waiting)
    return redirect, checks


def _open_places(
    settings: Settings, stack: AsyncExitStack, tasks: asyncio.TaskGroup
) -> NoPlaces | MaxMindPlaces:
    if settings.geoip.database is None:
        return NoPlaces()
    places = MaxMindPlaces(settings.geoip.database)
    stack.callback(places.close)
    places.refresh()
    tasks.create_task(places.refresh_forever())
    return places


def _showing(page: Page) -> OwnPath:
    def show(_: Request, visitor: Visitor) -> None:
        visitor.show(page)

    return show


async def _warm_cache(cache: LinkCache, redis: Redis, connections: int) -> None:
    """Open connections before the first request; what is away is only said, and tried later."""
    try:
        async with asyncio.timeout(LATE_TIMEOUT_S):
            await cache.ping()
            await warm_redis(redis, connections)
    except Exception as error:  # every kind of failure of the client means the same here
        log.warning("redis_away_at_start", reason=repr(error))
