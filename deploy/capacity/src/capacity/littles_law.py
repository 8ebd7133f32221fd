"""Connections that are busy at once, by Little's law, and the fleet budgets that follow.

Busy = calls a second x seconds that each holds a connection. The seconds are the targets of the
sizing document, not what is measured, so that a pool still holds when every call takes as long as
is allowed. A budget is made of equal units, of which each process has as many as its weight, so
shares come out whole.
"""

from collections.abc import Mapping
from math import ceil

import msgspec

from capacity.demand import Demand
from shared import pool_budget
from shared.pool_budget import ReplicaSettings, Service

QUERY_S = 0.020
"""A query by a redirector: the document's target. Measured p95: 1 ms (docs/performance.md)."""
API_S = 0.100
"""A create, which holds its connection throughout: the document's target. Measured p95: 5 ms."""
CACHE_S = 0.001
"""A command to Redis: the document's target. Measured p95: 0.5 ms."""
STATEMENTS_APART_S = 0.002
"""Redirectors join those who wait: a statement begins at most so often in each of them
(redirector/joined_lookup.py), which bounds what Redis' absence costs in connections."""
INGEST_CONNECTIONS = 4
"""A worker's two batches under way, its partitions and ledger, its health check."""

DEVELOPMENT_UNITS = {"database": 2, "redis": 4}
"""The default budgets of 20 and 20 in units; no profile has less for a process."""


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """One budget: what keeps how many connections busy, and what every process gets."""

    busy: dict[str, float]
    """Connections in use at the peak over the whole fleet, by what uses them."""
    shares: dict[str, int]
    """Of one process of each service."""
    budget: int


def database_pool(demand: Demand, working: ReplicaSettings, allowed: ReplicaSettings) -> Pool:
    """Size `DATABASE_MAX_CONNECTIONS` for `allowed` replicas, were only `working` ones to work."""
    without_redis = min(
        demand.peak_per_s * QUERY_S, working.redirector * QUERY_S / STATEMENTS_APART_S
    )
    busy = {
        "redirector, misses": demand.peak_misses_per_s * QUERY_S,
        "redirector, Redis away": without_redis,
        "shortener, creates": demand.peak_creates_per_s * API_S,
        "click-ingest, batches": float(INGEST_CONNECTIONS * working.click_ingest),
    }
    needed: dict[Service, float] = {
        # One connection of its share is for links with a limit of visits.
        "redirector": 1 + without_redis / demand.target / working.redirector,
        "shortener": busy["shortener, creates"] / demand.target / working.shortener,
        "click-ingest": INGEST_CONNECTIONS,
    }
    weights = pool_budget.DATABASE_WEIGHTS
    return _pool(busy, needed, weights, allowed, DEVELOPMENT_UNITS["database"])


def redis_pool(demand: Demand, working: ReplicaSettings, allowed: ReplicaSettings) -> Pool:
    """Size `REDIS_POOL_SIZE` likewise; lookups share one connection in each redirector."""
    busy = {
        "redirector, lookups": float(working.redirector),
        "redirector, write-backs": demand.peak_misses_per_s * CACHE_S,
        "shortener, write-through": demand.peak_creates_per_s * CACHE_S,
    }
    needed: dict[Service, float] = {
        "redirector": 1 + busy["redirector, write-backs"] / demand.target / working.redirector,
        # One connection of its share is for the health check.
        "shortener": 1 + busy["shortener, write-through"] / demand.target / working.shortener,
    }
    return _pool(busy, needed, pool_budget.REDIS_WEIGHTS, allowed, DEVELOPMENT_UNITS["redis"])


def _pool(
    busy: dict[str, float],
    needed: Mapping[Service, float],
    weights: Mapping[Service, int],
    allowed: ReplicaSettings,
    least_units: int,
) -> Pool:
    units = max(least_units, *(ceil(count / weights[name]) for name, count in needed.items()))
    shares: dict[str, int] = {name: units * weight for name, weight in weights.items() if weight}
    budget = sum(units * weights[name] * count for name, count in allowed.by_service().items())
    return Pool(busy=busy, shares=shares, budget=budget)
