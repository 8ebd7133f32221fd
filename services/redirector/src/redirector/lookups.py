"""Where links are looked up: the clients of Redis and PostgreSQL, and what asks them in turn."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

import structlog
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from redirector.cached_links import LATE_TIMEOUT_S, WRITE_BACK_MAX_AGE_S
from redirector.link_store import LinkStore
from redirector.redis_reads import RedisReads
from redirector.resolver import Resolver
from redirector.settings import Settings
from shared.db.engine import create_engine, warm_if_there
from shared.db.pool import pool_usage
from shared.link_cache import LinkCache
from shared.metrics import RedirectorMetrics
from shared.pool_budget import database_share, redis_share
from shared.redis_client import create_redis
from shared.redis_client import warm as warm_redis
from shared.redis_pool import pool_usage as redis_pool_usage
from shared.settings import Secret

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Lookups:
    """What finds links, and the connections it does that over."""

    redis: Redis
    redis_connections: int
    cache: LinkCache
    engine: AsyncEngine
    engine_connections: int
    primary_engine: AsyncEngine
    resolver: Resolver

    async def warm(self) -> None:
        """Open all connections before the first request; what is away is only said."""
        try:
            async with asyncio.timeout(LATE_TIMEOUT_S):
                await self.cache.ping()
                await warm_redis(self.redis, self.redis_connections)
        except Exception as error:  # every kind of failure of the client means the same here
            log.warning("redis_away_at_start", reason=repr(error))
        await warm_if_there({self.engine: self.engine_connections, self.primary_engine: 1})


def open_lookups(
    settings: Settings, metrics: RedirectorMetrics, stack: AsyncExitStack, tasks: asyncio.TaskGroup
) -> Lookups:
    """Open this process' share of the connections to Redis and PostgreSQL."""
    name = settings.instance or "redirector"
    redis_connections = redis_share("redirector", settings.redis.pool_size, settings.replicas)
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

    def open_engine(url: Secret, *, pool: str, application_name: str, size: int) -> AsyncEngine:
        engine = create_engine(
            url,
            application_name=application_name,
            pool_size=size,
            statement_timeout_s=database_timeout_s,
            pool_timeout_s=database_timeout_s,
            autocommit=True,
        )
        stack.push_async_callback(engine.dispose)
        metrics.pools.watch(pool, pool_usage(engine))
        return engine

    # One connection of the share is for the primary, where limited links take their visits.
    engine = open_engine(
        settings.database_read_url or settings.database.url,
        pool="postgres",
        application_name=name,
        size=database_connections - 1,
    )
    primary_engine = open_engine(
        settings.database.url,
        pool="postgres_visit_limits",
        application_name=f"{name} visit limits",
        size=1,
    )
    resolver = Resolver(
        cache=cache,
        store=LinkStore(engine),
        metrics=metrics,
        tasks=tasks,
        cache_timeout_s=settings.lookup.redis_timeout_ms / 1000,
        store_timeout_s=database_timeout_s,
        store_calls=database_connections - 1,
    )
    return Lookups(
        redis=redis,
        redis_connections=redis_connections - 1,
        cache=cache,
        engine=engine,
        engine_connections=database_connections - 1,
        primary_engine=primary_engine,
        resolver=resolver,
    )
