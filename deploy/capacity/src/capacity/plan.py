"""A whole plan for one demand: replicas, pools, servers' limits, resources, storage."""

from math import ceil

import msgspec

from capacity.demand import DAY_S, Demand
from capacity.forecast import Load, cores
from capacity.littles_law import Pool, database_pool, redis_pool
from capacity.quantities import GIB, MIB, rounded_up
from capacity.resources import COMPONENTS, Component, size_component
from capacity.storage import Storage, plan_storage
from shared.pool_budget import ReplicaSettings

MAX_GROWTH = 2
"""Where replicas are added by themselves, at most so many times the planned ones."""
OTHER_DATABASE_CONNECTIONS = 10
"""Of people, migrations, backups and exporters, beside the fleet."""
RESERVED_CONNECTIONS = 3
"""superuser_reserved_connections, PostgreSQL's default."""
OTHER_REDIS_CLIENTS = 10
LEAST_SPOOL_BYTES = 4 * GIB
"""The default of SPOOL_MAX_BYTES."""


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """Limits that the stores need."""

    max_connections: int
    maxclients: int
    redis_maxmemory_bytes: int
    queue_max_bytes: int
    """RabbitMQ's max-length-bytes of clicks.ingest; beyond it the spools fill instead."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything."""

    demand: Demand
    average_per_s: float
    peak_per_s: float
    burst_per_s: float
    replicas: ReplicaSettings
    max_replicas: ReplicaSettings
    """What the autoscaler may come to, for which the budgets are; the same where there is none."""
    database: Pool
    redis: Pool
    servers: Servers
    storage: Storage
    spool_max_bytes: int
    """Of one redirector: the whole outage but for what one other of them may have taken."""
    spool_volume_bytes: int
    components: dict[str, Component]

    def settings(self) -> dict[str, str]:
        """Return what to set; all else has its default."""
        retention = self.demand.retention_days
        return {
            "DATABASE_MAX_CONNECTIONS": str(self.database.budget),
            "REDIS_POOL_SIZE": str(self.redis.budget),
            "REPLICAS_REDIRECTOR": str(self.max_replicas.redirector),
            "REPLICAS_SHORTENER": str(self.max_replicas.shortener),
            "REPLICAS_CLICK_INGEST": str(self.max_replicas.click_ingest),
            "SPOOL_MAX_BYTES": str(self.spool_max_bytes),
            **({"CLICK_RETENTION_DAYS": str(retention)} if retention else {}),
        }


def make_plan(demand: Demand) -> Plan:
    """Work a plan out."""
    load = Load(clicks_per_s=demand.peak_per_s, creates_per_s=demand.peak_creates_per_s)
    replicas = ReplicaSettings(
        redirector=max(2, 1 + ceil(cores("redirector", load) / demand.target)),
        shortener=_processes(cores("shortener", load), demand),
        click_ingest=_processes(cores("click-ingest", load), demand),
    )
    growth = MAX_GROWTH if demand.is_spread else 1
    allowed = ReplicaSettings(
        redirector=growth * replicas.redirector,
        shortener=growth * replicas.shortener,
        click_ingest=growth * replicas.click_ingest,
    )
    working = _one_less(replicas)
    database, redis = (size(demand, working, allowed) for size in (database_pool, redis_pool))
    storage = plan_storage(demand)
    spool = rounded_up(storage.spool_bytes / working.redirector / demand.target, GIB)
    spool = max(LEAST_SPOOL_BYTES, spool)
    # Where a host may be lost, so may the nginx on it.
    doors = 1 + demand.is_spread
    load = msgspec.structs.replace(
        load,
        doors=doors,
        cached_links=storage.cached_links,
        data_bytes=round(
            (storage.clicks_bytes_per_day + storage.counts_bytes_per_day) * _HOT_S / DAY_S
        ),
        redirectors=replicas.redirector,
        shorteners=replicas.shortener,
        ingest_workers=replicas.click_ingest,
        database_connections=database.budget,
    )
    # None is not the least there is: to Redis a maxmemory of 0 is no limit at all.
    maxmemory = rounded_up(max(1, storage.redis_bytes / demand.target), 64 * MIB)
    processes, most = (
        {"nginx": doors, **{str(name): count for name, count in each.by_service().items()}}
        for each in (replicas, allowed)
    )
    return Plan(
        demand=demand,
        average_per_s=demand.average_per_s,
        peak_per_s=demand.peak_per_s,
        burst_per_s=demand.burst_per_s,
        replicas=replicas,
        max_replicas=allowed,
        database=database,
        redis=redis,
        servers=Servers(
            max_connections=rounded_up(
                database.budget + OTHER_DATABASE_CONNECTIONS + RESERVED_CONNECTIONS, 20
            ),
            maxclients=rounded_up(redis.budget + OTHER_REDIS_CLIENTS, 20),
            redis_maxmemory_bytes=maxmemory,
            queue_max_bytes=rounded_up(max(1, storage.queue_bytes / demand.target), GIB),
        ),
        storage=storage,
        spool_max_bytes=spool,
        # A segment more is written before the oldest one goes, and a file system is never full.
        spool_volume_bytes=rounded_up(spool * 1.1, GIB),
        components={
            name: size_component(
                name, load, processes.get(name, 1), most.get(name, 1), demand.target, maxmemory
            )
            for name in COMPONENTS
        },
    )


_HOT_S = 3_600
"""Counts of this hour and the clicks of about as long are what PostgreSQL writes to."""


def _processes(busy: float, demand: Demand) -> int:
    """One more than is needed where a host may be lost; on a single one they come back at once."""
    return max(1, ceil(busy / demand.target)) + demand.is_spread


def _one_less(replicas: ReplicaSettings) -> ReplicaSettings:
    return ReplicaSettings(
        redirector=max(1, replicas.redirector - 1),
        shortener=max(1, replicas.shortener - 1),
        click_ingest=max(1, replicas.click_ingest - 1),
    )
