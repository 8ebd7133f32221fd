"""What qck was measured to cost: every constant of the planner that is not arithmetic.

Where a comment says nothing else, a figure is from `make capacity-check` and its kind on two cores
of an AMD EPYC with everything on them: 10,000 links visited by Zipf's law, a minute a rate
(docs/capacity.md). `make capacity-check` measures again and compares.
"""

from collections.abc import Mapping, Sequence

Points = Sequence[tuple[float, float]]
"""Clicks a second of the whole site, rising, and what was measured there."""

MEASURED_PROCESSES: Mapping[str, int] = {"redirector": 2}
"""That shared those clicks; of everything else there was one."""

MB = 1_000_000

# Joining makes a redirect cheaper the more there are, and folding statistics a click, so costs are
# curves and no constants. The last point is the ten minutes at 11,600/s over a million links:
# docs/performance.md, "Where the time goes". A curve is of all processes of a component together,
# two of them redirectors.
CORES: Mapping[str, Points] = {
    "nginx": ((0, 0.000), (100, 0.018), (1_000, 0.070), (5_000, 0.163), (11_600, 0.285)),
    "redirector": ((0, 0.015), (100, 0.078), (1_000, 0.221), (5_000, 0.375), (11_600, 0.498)),
    "shortener": ((0, 0.012), (11_600, 0.012)),
    "click-ingest": ((0, 0.007), (100, 0.029), (1_000, 0.046), (5_000, 0.069), (11_600, 0.124)),
    "postgres": ((0, 0.006), (100, 0.022), (1_000, 0.045), (5_000, 0.087), (11_600, 0.236)),
    "redis": ((0, 0.002), (100, 0.008), (1_000, 0.025), (5_000, 0.045), (11_600, 0.053)),
    "rabbitmq": ((0, 0.003), (100, 0.026), (1_000, 0.028), (5_000, 0.032), (11_600, 0.054)),
}
CREATE_CORE_S: Mapping[str, float] = {
    "nginx": 0.00026, "shortener": 0.0039, "postgres": 0.00125, "redis": 0.00016,
}  # fmt: skip
"""Processor seconds of one link made through the API: a thousand of them at 50/s."""

MEMORY_BYTES: Mapping[str, Points] = {
    "nginx": ((0, 8 * MB), (11_600, 9 * MB)),
    "redirector": ((0, 66 * MB), (11_600, 67 * MB)),
    "shortener": ((0, 72 * MB), (11_600, 72 * MB)),
    "click-ingest": ((0, 106 * MB), (1_000, 112 * MB), (5_000, 117 * MB)),
    "postgres": ((0, 108 * MB), (11_600, 108 * MB)),
    "redis": ((0, 6 * MB), (11_600, 6 * MB)),
    "rabbitmq": ((0, 90 * MB), (100, 96 * MB), (1_000, 133 * MB), (5_000, 163 * MB)),
}
"""Of one process and what it has started, what several share counted once; PostgreSQL's with 20
connections and an empty database, Redis' without a link."""
POSTGRES_CONNECTION_BYTES = 1_500_000
"""Of each connection beyond those 20 that has run a query: 40 of them."""

LINK_REDIS_BYTES = 260
"""Of one cached link in Redis: 260 among 100,000, 275 among 10,000."""
LINK_TTL_S = 86_400
"""LINK_CACHE_TTL_S: from load, never extended."""

CLICK_DISK_BYTES = 574
"""A row of clicks with both its indexes: 125,000 rows."""
COUNTS_DISK_BYTES = 260
"""An hour's row of one link in click_counts_hourly, and its part of click_counts_total."""
STATISTICS_DISK_BYTES = 250
"""A day's row of one link in click_statistics, by source: four sizes from 10,000 clicks on 3,000
links to 100,000 on 10,000, all within a seventh of this and the next."""
STATISTICS_CLICK_DISK_BYTES = 34
"""What each click adds to its day's row."""
LINK_DISK_BYTES = 1_080
"""A row of links with its fifteen indexes, one of them of trigrams, and its row for ordering by
visits: from 20,000 to 300,000 rows."""
CLICK_WAL_BYTES = 1_280
"""Write-ahead log of one click and of folding it into statistics, with lz4: twice at 1,000/s."""
LINK_WAL_BYTES = 1_045
"""Write-ahead log of one link made through the API: a thousand of them."""
CLICK_SPOOL_BYTES = 610
"""A line in a spool: 10,000 clicks while RabbitMQ was frozen."""
CLICK_QUEUE_BYTES = 615
"""A click in RabbitMQ's files: 400,000 clicks while the worker was frozen."""
