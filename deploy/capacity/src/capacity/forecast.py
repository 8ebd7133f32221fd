"""What each component uses at a rate of clicks: processors and memory."""

from itertools import pairwise

import msgspec

from capacity import costs
from capacity.costs import Points


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of a site."""

    clicks_per_s: float
    creates_per_s: float = 0.0
    cached_links: int = 0
    data_bytes: int = 0
    """That PostgreSQL touches again and again: the newest clicks, counts, popular links."""
    shared_buffers_bytes: int = 512 * 1024**2
    """deploy/postgres/postgresql.conf."""
    doors: int = 1
    """nginx."""
    redirectors: int = 2
    shorteners: int = 1
    ingest_workers: int = 1
    database_connections: int = 20


def cores(component: str, load: Load) -> float:
    """Return how many processors all processes of a component keep busy."""
    made = costs.CREATE_CORE_S.get(component, 0.0) * load.creates_per_s
    return _at(costs.CORES[component], load.clicks_per_s) + made


def memory_bytes(component: str, load: Load) -> int:
    """Return what all processes of a component hold, each with its part of the clicks."""
    processes = {
        "nginx": load.doors,
        "redirector": load.redirectors,
        "shortener": load.shorteners,
        "click-ingest": load.ingest_workers,
    }.get(component, 1)
    of_measured = costs.MEASURED_PROCESSES.get(component, 1) / processes
    own = processes * _at(costs.MEMORY_BYTES[component], load.clicks_per_s * of_measured)
    if component == "redis":
        own += load.cached_links * costs.LINK_REDIS_BYTES
    if component == "postgres":
        own += min(load.data_bytes, load.shared_buffers_bytes)
        own += max(0, load.database_connections - 20) * costs.POSTGRES_CONNECTION_BYTES
    return round(own)


def _at(points: Points, rate: float) -> float:
    """Return a value between two points; beyond the last one it grows with the rate."""
    for (low, value), (high, next_value) in pairwise(points):
        if rate <= high:
            return value + (next_value - value) * (rate - low) / (high - low)
    last_rate, last_value = points[-1]
    return last_value * rate / last_rate
