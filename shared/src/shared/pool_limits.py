"""Whether the fleet's connection budgets fit into the servers' own limits, asked at each start.

A fleet that may open more than a server allows works until the day on which all of it is busy, and
is refused connections then. So a process whose fleet cannot fit does not start, and says the sum.
"""

import asyncio
from collections.abc import Callable, Mapping

import asyncpg
import structlog
from redis.exceptions import RedisError

from shared.db.errors import DATABASE_ERRORS
from shared.pool_budget import ReplicaSettings, Service, database_share, redis_share
from shared.redis_client import create_redis
from shared.settings import DatabaseSettings, RedisSettings, Secret

ASK_WITHIN_S = 2.0
"""A server that is away is not waited for longer: its limit goes unchecked, which is logged."""

_DATABASE_LIMIT = """
SELECT name, setting::int FROM pg_settings
WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')
"""

Share = Callable[[Service, int, ReplicaSettings], int]

log = structlog.get_logger()


async def pool_problems(settings: object) -> list[str]:
    """Check the budgets that a service's settings have, at the servers that they name.

    Says why a budget does not fit; a server that does not answer is no reason not to start.
    """
    replicas = getattr(settings, "replicas", None)
    if not isinstance(replicas, ReplicaSettings):
        return []
    asked = []
    database, redis = (getattr(settings, name, None) for name in ("database", "redis"))
    async with asyncio.TaskGroup() as group:
        if isinstance(database, DatabaseSettings):
            read_url = getattr(settings, "database_read_url", None)
            asked.append(group.create_task(database_problem(database, replicas, read_url)))
        if isinstance(redis, RedisSettings):
            asked.append(group.create_task(redis_problem(redis, replicas)))
    return [problem for task in asked if (problem := task.result())]


async def database_problem(
    database: DatabaseSettings, replicas: ReplicaSettings, read_url: Secret | None = None
) -> str | None:
    """Say why the budget does not fit PostgreSQL; None when it does, or nobody answers.

    Where redirectors read at `read_url`, that server is asked about their part of the sum too.
    """
    everybody = _Fleet(database_share, database.max_connections, replicas)
    asked: list[tuple[Secret, _Fleet]] = [(database.url, everybody)]
    if read_url and read_url != database.url:
        asked.append((read_url, everybody.of_alone("redirector")))
    for url, fleet in asked:
        try:
            limits = await _database_limits(url)
        except DATABASE_ERRORS as error:
            log.warning("database_limit_unchecked", reason=repr(error))
            continue
        allowed = limits.pop("max_connections")
        reserved = sum(limits.values())
        if fleet.sum > allowed - reserved:
            return (
                f"DATABASE_MAX_CONNECTIONS={database.max_connections} does not fit: {fleet} = "
                f"{fleet.sum} connections, and PostgreSQL allows {allowed - reserved}"
                f" (max_connections {allowed} - {reserved} reserved); lower the budget or the"
                f" replicas, or raise max_connections to at least {fleet.sum + reserved}"
            )
    return None


async def redis_problem(redis: RedisSettings, replicas: ReplicaSettings) -> str | None:
    """Say why the budget does not fit Redis; None when it does, or nobody answers."""
    fleet = _Fleet(redis_share, redis.pool_size, replicas)
    try:
        allowed = await _redis_limit(redis.url)
    except (OSError, TimeoutError, RedisError) as error:
        log.warning("redis_limit_unchecked", reason=repr(error))
        return None
    if allowed is None or fleet.sum <= allowed:
        return None
    return (
        f"REDIS_POOL_SIZE={redis.pool_size} does not fit: {fleet} = {fleet.sum} connections, and"
        f" Redis allows {allowed} (maxclients); lower the budget or the replicas, or raise"
        f" maxclients to at least {fleet.sum}"
    )


class _Fleet:
    """A sum over processes, and how it comes about; those that open nothing are left out."""

    def __init__(
        self, share: Share, budget: int, replicas: ReplicaSettings, only: Service | None = None
    ) -> None:
        self._arguments = share, budget, replicas
        self._parts: Mapping[Service, tuple[int, int]] = {
            name: (count, each)
            for name, count in replicas.by_service().items()
            if (each := share(name, budget, replicas)) and only in (None, name)
        }
        self.sum = sum(count * each for count, each in self._parts.values())

    def of_alone(self, service: Service) -> "_Fleet":
        """Return the part of one service."""
        return _Fleet(*self._arguments, only=service)

    def __str__(self) -> str:
        return " + ".join(
            f"{count} {name} x {each}" for name, (count, each) in self._parts.items()
        )


async def _database_limits(url: Secret) -> dict[str, int]:
    async with asyncio.timeout(ASK_WITHIN_S):
        connection = await asyncpg.connect(
            url.reveal(), server_settings={"application_name": "qck limits"}
        )
        try:
            return {name: value for name, value in await connection.fetch(_DATABASE_LIMIT)}
        finally:
            connection.terminate()


async def _redis_limit(url: Secret) -> int | None:
    """Return Redis' own limit; None where a hosted one does not tell."""
    redis = create_redis(url, client_name="qck-limits", pool_size=1, timeout_s=ASK_WITHIN_S)
    try:
        limit = (await redis.info("clients")).get("maxclients")
    finally:
        await redis.aclose()
    return None if limit is None else int(limit)
