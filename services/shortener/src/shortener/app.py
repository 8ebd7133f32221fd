"""The shortener's wiring: every client, every task and the order in which they open and close."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from shared.background import background_tasks
from shared.db.engine import create_engine, ping, warm_if_there
from shared.db.pool import pool_usage
from shared.garbage import expect_large_answers, keep_for_good
from shared.health import Check, health_routes
from shared.link_cache import LinkCache
from shared.metrics import ShortenerMetrics, create_registry
from shared.pool_budget import database_share, redis_share
from shared.redis_client import create_redis
from shared.redis_client import warm as warm_redis
from shared.redis_pool import pool_usage as redis_pool_usage
from shared.tracing import create_tracing
from shortener.api_description import ApiDescription
from shortener.api_health import ApiHealth
from shortener.api_keys import ApiKeys, utc_now
from shortener.api_routes import api_routes
from shortener.audit_entries import AuditEntries
from shortener.audit_search import AuditSearch
from shortener.authentication import Authentication
from shortener.block_file import BlockFile
from shortener.block_sweep import BlockSweep
from shortener.blocked_domains import BlockedDomains
from shortener.cache_keeper import CacheKeeper
from shortener.cache_takeover import CacheTakeover
from shortener.checked_bodies import CheckedBodies
from shortener.conditional_reads import ConditionalReads
from shortener.cors import Cors
from shortener.count_folding import CountFolding
from shortener.domain_store import DomainStore
from shortener.domains import Domains, Redirects
from shortener.error_answers import EXCEPTION_HANDLERS, UnexpectedErrors
from shortener.expiry import Expiry
from shortener.export_store import ExportStore
from shortener.exports import Exports
from shortener.initial_api_key import store_initial_key
from shortener.link_import.importer import LinkImporter
from shortener.link_outbox import WRITE_THROUGH_TIMEOUT_S, LinkOutbox
from shortener.link_search import LinkSearch
from shortener.link_store import LinkStore
from shortener.outbox_relay import OutboxRelay
from shortener.qr_codes import QrCodes
from shortener.rate_limit import RateLimit
from shortener.redirect_rules import RedirectRules
from shortener.redirect_rules_body import RulesReader
from shortener.request_id import RequestId
from shortener.request_metrics import RequestMetrics
from shortener.settings import Settings
from shortener.short_url import ShortUrlPresenter
from shortener.short_url_batch import ShortUrlBatch
from shortener.short_url_body import BodyReader
from shortener.short_url_import import ShortUrlImport
from shortener.short_url_upsert import ShortUrlUpsert
from shortener.short_urls import ShortUrls
from shortener.statistics_search import StatisticsSearch
from shortener.tag_store import TagStore
from shortener.tags import Tags
from shortener.visit_paths import VisitPaths
from shortener.visit_statistics import VisitStatistics
from shortener.visit_store import VisitStore
from shortener.visits import Visits

if TYPE_CHECKING:
    from shared.span_export import Tracing

log = structlog.get_logger()

STATEMENT_TIMEOUT_S = 5.0
"""For the longest list; what the API usually asks takes a thousandth of it."""
POOL_TIMEOUT_S = 3.0
"""A burst of callers would rather wait than come again; a visitor, elsewhere, would not."""


def create_app(settings: Settings) -> Starlette:
    """Make the application; its clients open no connection before its lifespan begins."""
    name = settings.instance or "shortener"
    registry = create_registry()
    metrics = ShortenerMetrics(registry)
    tracing = create_tracing(
        settings.otel, service="shortener", instance=settings.instance, metrics=metrics.traces
    )
    connections = database_share("shortener", settings.database.max_connections, settings.replicas)
    engine = create_engine(
        settings.database.url,
        application_name=name,
        pool_size=connections,
        statement_timeout_s=STATEMENT_TIMEOUT_S,
        pool_timeout_s=POOL_TIMEOUT_S,
    )
    redis_connections = redis_share("shortener", settings.redis.pool_size, settings.replicas)
    redis = create_redis(
        settings.redis.url,
        client_name=name,
        pool_size=redis_connections,
        timeout_s=WRITE_THROUGH_TIMEOUT_S,
    )
    metrics.pools.watch("postgres", pool_usage(engine))
    metrics.pools.watch("redis", redis_pool_usage(redis))
    cache_calls = asyncio.Semaphore(max(1, redis_connections - 1))  # one is for the health check
    cache = LinkCache(redis, settings.link_cache)
    outbox = LinkOutbox(
        engine=engine,
        cache=cache,
        cache_calls=cache_calls,
        metrics=metrics,
    )
    keys = ApiKeys(engine)
    checks = [
        Check(
            "postgres",
            lambda: ping(engine),
            required=True,
            details=pool_usage(engine).details,
        ),
        Check("redis", cache.ping, details=redis_pool_usage(redis).details),
    ]
    links = LinkStore(
        engine=engine,
        outbox=outbox,
        count_collision=metrics.code_collisions.inc,
        deletion_threshold=settings.delete_short_url_threshold,
    )
    presenter = ShortUrlPresenter(settings.default_domain, settings.public_scheme)
    rate_limit = RateLimit(redis, settings.rate_limit, calls=cache_calls, metrics=metrics)
    paths = VisitPaths(settings.default_domain, settings.public_scheme)
    resources = api_routes(
        authentication=Authentication(keys, utc_now, rate_limit),
        **_link_resources(settings, engine, links, presenter),
        tags=Tags(TagStore(engine)),
        domains=_domains(settings, engine),
        visits=Visits(store=VisitStore(engine), paths=paths),
        statistics=VisitStatistics(search=StatisticsSearch(engine), paths=paths, now=utc_now),
        exports=Exports(store=ExportStore(engine), paths=paths, presenter=presenter),
        audit_entries=AuditEntries(search=AuditSearch(engine), presenter=presenter),
        health=ApiHealth(lambda: ping(engine)),
        description=ApiDescription(),
    )
    operation = health_routes(lambda: checks, registry)
    routes = [*resources, *operation]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if tracing is not None:
                await stack.enter_async_context(tracing.exporting())
            stack.push_async_callback(engine.dispose)
            stack.push_async_callback(redis.aclose)
            await warm_if_there({engine: connections})
            await _warm_cache(redis, redis_connections)
            tasks = await stack.enter_async_context(background_tasks())
            tasks.create_task(OutboxRelay(outbox, metrics).run())
            tasks.create_task(CacheTakeover(CacheKeeper(redis), calls=cache_calls).run())
            folding = CountFolding(engine, metrics, share=settings.count_folding.share)
            tasks.create_task(folding.run())
            expiry = Expiry(
                engine,
                idempotency_max_age_s=settings.idempotency_key_ttl_s,
                audit_retention_days=settings.audit_log_retention_days,
            )
            tasks.create_task(expiry.run())
            tasks.create_task(BlockSweep(engine, outbox, metrics).run())
            if settings.blocked_domains_file is not None:
                blocked = BlockedDomains(engine)
                tasks.create_task(BlockFile(settings.blocked_domains_file, blocked).run())
            if settings.initial_api_key is not None:
                tasks.create_task(store_initial_key(keys, settings.initial_api_key))
            keep_for_good()
            expect_large_answers()
            log.info("shortener_started")
            yield
            log.info("shortener_stopping")

    templates = {route.endpoint: route.path for route in routes}
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[
            Middleware(RequestMetrics, metrics=metrics, templates=templates),
            Middleware(RequestId),
            *_request_traces(tracing, engine, templates, operation),
            Middleware(Cors, origins=settings.cors_allow_origins, routes=resources),
            Middleware(UnexpectedErrors),
            Middleware(ConditionalReads),
        ],
    )
    app.router.redirect_slashes = False
    return app


def _link_resources(
    settings: Settings, engine: AsyncEngine, links: LinkStore, presenter: ShortUrlPresenter
) -> dict[str, Any]:
    """Make the resources of single links, by their names in `api_routes`."""
    blocked = BlockedDomains(engine)
    bodies = create_bodies(settings, links, blocked)
    parts: dict[str, Any] = {
        "links": links,
        "bodies": bodies,
        "presenter": presenter,
        "idempotency_max_age_s": settings.idempotency_key_ttl_s,
    }
    return {
        "short_urls": ShortUrls(search=LinkSearch(engine), **parts),
        "batch": ShortUrlBatch(**parts),
        "upsert": ShortUrlUpsert(**parts),
        "qr_codes": QrCodes(links=links, presenter=presenter),
        "redirect_rules": RedirectRules(
            links=links,
            blocks=blocked.blocks,
            reader=RulesReader(
                default_domain=settings.default_domain, url_schemes=settings.url_schemes
            ),
            public_scheme=settings.public_scheme,
        ),
        "imports": ShortUrlImport(importer=LinkImporter(links, bodies), presenter=presenter),
    }


def create_bodies(settings: Settings, links: LinkStore, blocked: BlockedDomains) -> CheckedBodies:
    """Make what reads the bodies of links, for the API and for the command that imports them."""
    reader = BodyReader(
        default_domain=settings.default_domain,
        public_scheme=settings.public_scheme,
        url_schemes=settings.url_schemes,
        short_code_length=settings.short_code_length,
    )
    return CheckedBodies(
        reader,
        own_domains=links.own_domains,
        known_tags=links.known_tags,
        blocks=blocked.blocks,
    )


def _domains(settings: Settings, engine: AsyncEngine) -> Domains:
    return Domains(
        DomainStore(engine),
        blocks=BlockedDomains(engine).blocks,
        default_domain=settings.default_domain,
        scheme=settings.public_scheme,
        defaults=Redirects(
            settings.default.base_url_redirect or None,
            settings.default.regular_404_redirect or None,
            settings.default.invalid_short_url_redirect or None,
        ),
    )


def _request_traces(
    tracing: "Tracing | None",
    engine: AsyncEngine,
    templates: Mapping[Any, str],
    untraced: Sequence[Route],
) -> list[Middleware]:
    """Have requests and their transactions traced, where that is asked for."""
    if tracing is None:
        return []
    from shared.db.transaction_traces import trace_transactions
    from shortener.request_traces import RequestTraces

    trace_transactions(engine, tracing.tracer)
    paths = frozenset(route.path for route in untraced)
    tracer = tracing.tracer
    return [Middleware(RequestTraces, tracer=tracer, templates=templates, untraced=paths)]


async def _warm_cache(redis: Redis, connections: int) -> None:
    """Open connections before the first request; what is away is only said, and tried later."""
    try:
        await warm_redis(redis, connections)
    except (RedisError, OSError, TimeoutError) as error:
        log.warning("redis_away_at_start", reason=repr(error))
