"""Disk and memory that links and clicks take, in stores, queue and spools."""

import msgspec

from capacity import costs
from capacity.demand import DAY_S, Demand


class Storage(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept where."""

    cached_links: int
    redis_bytes: int
    """Of cached links; the server's own memory is in the forecast."""
    links_per_day: int
    links_bytes_per_day: int
    clicks_bytes_per_day: int
    """Rows with their indexes."""
    counts_bytes_per_day: int
    statistics_bytes_per_day: int
    """Both stay when clicks are dropped."""
    wal_bytes_per_day: int
    wal_peak_bytes_per_s: int
    planned_days: int
    postgres_bytes: int
    """At the end of those days: the clicks that are kept, all links, counts and statistics."""
    outage_clicks: int
    queue_bytes: int
    """In RabbitMQ, while nothing is stored."""
    spool_bytes: int
    """On all redirectors together, while RabbitMQ is away."""


def plan_storage(demand: Demand) -> Storage:
    """Work all of it out."""
    clicks = demand.clicks_per_day
    made = clicks * demand.new_links
    # Little's law once more: an entry stays for its TTL, and each comes from a miss or a create.
    cached = min(
        (clicks * (1 - demand.hit_ratio) + made) * costs.LINK_TTL_S / DAY_S,
        demand.links + made * demand.planned_days,
    )
    # Each hour has a row for each link that is clicked in it, and most of those are cached ones.
    counts = min(clicks / 24, cached) * 24 * costs.COUNTS_DISK_BYTES
    # And each day a row of statistics for each of them.
    statistics = (
        min(clicks, cached) * costs.STATISTICS_DISK_BYTES
        + clicks * costs.STATISTICS_CLICK_DISK_BYTES
    )
    links_bytes = made * costs.LINK_DISK_BYTES
    clicks_bytes = clicks * costs.CLICK_DISK_BYTES
    days = demand.planned_days
    return Storage(
        cached_links=round(cached),
        redis_bytes=round(cached * costs.LINK_REDIS_BYTES),
        links_per_day=round(made),
        links_bytes_per_day=round(links_bytes),
        clicks_bytes_per_day=round(clicks_bytes),
        counts_bytes_per_day=round(counts),
        statistics_bytes_per_day=round(statistics),
        wal_bytes_per_day=round(clicks * costs.CLICK_WAL_BYTES + made * costs.LINK_WAL_BYTES),
        wal_peak_bytes_per_s=round(
            demand.peak_per_s * costs.CLICK_WAL_BYTES
            + demand.peak_creates_per_s * costs.LINK_WAL_BYTES
        ),
        planned_days=days,
        postgres_bytes=round(
            clicks_bytes * demand.kept_days
            + (links_bytes + counts + statistics) * days
            + demand.links * costs.LINK_DISK_BYTES
        ),
        outage_clicks=round(demand.outage_clicks),
        queue_bytes=round(demand.outage_clicks * costs.CLICK_QUEUE_BYTES),
        spool_bytes=round(demand.outage_clicks * costs.CLICK_SPOOL_BYTES),
    )
