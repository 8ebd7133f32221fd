"""What a redirector depends on, for `/readyz`: nothing alone takes it out of rotation."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from redirector.adopted_spools import AdoptedSpools
from redirector.click_publisher import ClickPublisher
from redirector.link_store import LinkStore
from redirector.resolver import Resolver
from redirector.spool import ClickSpool
from shared.db.pool import pool_usage
from shared.health import Check
from shared.link_cache import LinkCache
from shared.redis_pool import pool_usage as redis_pool_usage

FULL_SHARE = 0.9
"""A spool that is filled above this is told before it begins to shed clicks."""

SHED_TOLD_FOR_S = 60


class SpoolError(Exception):
    """The spool cannot take clicks, or soon will not."""


def health_checks(
    *,
    cache: LinkCache,
    redis: Redis,
    engine: AsyncEngine,
    resolver: Resolver,
    publisher: ClickPublisher,
    spool: ClickSpool,
    adopted: AdoptedSpools,
    spool_max_bytes: int,
) -> Sequence[Check]:
    """List the checks; a failing one makes the redirector "degraded", and never "down"."""

    async def check_broker() -> None:
        if not publisher.is_connected:
            raise ConnectionError("not connected; clicks wait in the spool")

    async def check_spool() -> None:
        if spool.disk_error is not None:
            raise SpoolError(f"the disk refuses: {spool.disk_error}")
        if spool.has_shed_within(SHED_TOLD_FOR_S):
            raise SpoolError(f"clicks were shed within the last {SHED_TOLD_FOR_S} s")
        if adopted.unusable:
            raise SpoolError(f"cannot be used: {', '.join(adopted.unusable)}")
        if spool.backlog_bytes > FULL_SHARE * spool_max_bytes:
            raise SpoolError("nearly full; above SPOOL_MAX_BYTES clicks are shed")

    def of_store(name: str, usage: dict[str, Any]) -> dict[str, Any]:
        return {"breaker": "open" if resolver.given_up[name] else "closed", **usage}

    def of_spool() -> dict[str, Any]:
        return {
            "backlog_clicks": spool.backlog_clicks,
            "backlog_bytes": spool.backlog_bytes,
            "adopted_bytes": adopted.left_bytes,
            "utilisation": round(spool.backlog_bytes / spool_max_bytes, 4),
            "oldest_age_s": round(publisher.oldest_age_s(), 3),
        }

    return [
        Check(
            "redis",
            cache.ping,
            details=lambda: of_store("redis", redis_pool_usage(redis).details()),
        ),
        Check(
            "postgres",
            LinkStore(engine).ping,
            details=lambda: of_store("postgres", pool_usage(engine).details()),
        ),
        Check("rabbitmq", check_broker),
        Check("spool", check_spool, details=of_spool),
    ]
