"""A short real run of the whole stack at a steady rate: what it used, measured from outside."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from random import Random

import msgspec

from local_stack import processes
from local_stack.stack import Stack
from tests.bench.cpu import MACHINE, Components, cpu_seconds, spent
from tests.bench.fixed_rate.measure import measure
from tests.bench.fixed_rate.visitors import visitor_endings
from tests.bench.fixed_rate.zipf import draw_links
from tests.bench.machine_speed import watched_speed
from tests.bench.memory import pss_bytes
from tests.bench.redis_memory import redis_memory
from tests.bench.table_sizes import settle
from tests.bench.warm_cache import cache_links
from tests.seed.links import seed_links
from tests.support.database import fetch

COMPONENTS = {
    "nginx": ("nginx",),
    "redirector": ("redirector-1", "redirector-2"),
    "shortener": ("shortener",),
    "click-ingest": ("click-ingest",),
    "postgres": ("postgres",),
    "redis": ("redis",),
    "rabbitmq": ("rabbitmq",),
}
WARM_UP_S = 5.0
STORED_WITHIN_S = 60.0

_WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS bytes"
_COUNTS = "SELECT count(*) AS rows FROM click_counts_hourly"
_STORED = "SELECT coalesce(sum(stored), 0)::bigint AS clicks FROM click_sources"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What a run used: its own clicks, all of which are stored."""

    clicks: int
    stored: int
    """With those of the warm-up."""
    counts_per_click: float
    """New rows of counts by the hour for each click."""
    wrong: list[str]
    """What visitors were answered that is no redirect."""
    cores: dict[str, float]
    """Processors that each component kept busy."""
    slowness: float
    """How many times as long as where costs were measured the same work took meanwhile."""
    memory_bytes: dict[str, int]
    """Of each component at the end, what processes share counted once."""
    disk_bytes_per_click: float
    """Rows, indexes and counts."""
    wal_bytes_per_click: float
    cached_bytes_per_link: float
    """In Redis."""


async def measure_run(
    stack: Stack, folder: Path, *, per_second: float, lasts_s: float, links: int
) -> Measured:
    """Seed and cache links, warm up, keep the rate until the time is over, wait for the rows."""
    url = stack.urls.database_url
    codes = list((await seed_links(url, links)).codes())
    empty = await redis_memory(stack)
    await cache_links(stack, codes)
    cached_bytes = (await redis_memory(stack)).bytes_per_key(empty)
    random = Random(1)  # noqa: S311 - a repeatable choice, no secret

    async def visit(count: int) -> list[str]:
        done = await measure(
            folder,
            port=stack.public_port,
            per_second=per_second,
            targets=[f"/{code}" for code in codes],
            order=draw_links(random, links, count),
            endings=visitor_endings(f"localhost:{stack.public_port}", random),
        )
        return done.wrong

    warm_up = round(per_second * WARM_UP_S)
    await visit(warm_up)
    await _until_stored(url, warm_up)
    clicks = round(per_second * lasts_s)
    sizes, wal, counts = await settle(url), await _number(url, _WAL), await _number(url, _COUNTS)
    components, before = _components(stack), cpu_seconds(_components(stack))
    with watched_speed(folder) as speed:
        wrong = await visit(clicks)
    await _until_stored(url, warm_up + clicks)
    used = spent(before, cpu_seconds(components))
    wal_bytes = await _number(url, _WAL) - wal
    memory = {name: _memory(pids) for name, pids in components.items()}
    grown = await settle(url)
    return Measured(
        clicks=clicks,
        stored=warm_up + clicks,
        counts_per_click=(await _number(url, _COUNTS) - counts) / clicks,
        wrong=wrong,
        cores={
            name: cpu_s / lasts_s for name, cpu_s in used.by_component.items() if name != MACHINE
        },
        slowness=speed.slowness,
        memory_bytes=memory,
        disk_bytes_per_click=(
            grown.clicks_bytes + grown.counts_bytes - sizes.clicks_bytes - sizes.counts_bytes
        )
        / clicks,
        wal_bytes_per_click=wal_bytes / clicks,
        cached_bytes_per_link=cached_bytes,
    )


def _components(stack: Stack) -> Components:
    return {name: [stack.pid(each) for each in programs] for name, programs in COMPONENTS.items()}


def _memory(pids: Iterable[int]) -> int:
    return sum(pss_bytes(member) for pid in pids for member in processes.tree(pid))


async def _number(url: str, query: str) -> int:
    return int((await fetch(url, query))[0][0])


async def _until_stored(url: str, clicks: int) -> None:
    """Wait for the ledger to have so many.

    Raises:
        TimeoutError: it has not, in `STORED_WITHIN_S`.
    """
    async with asyncio.timeout(STORED_WITHIN_S):
        while await _number(url, _STORED) < clicks:
            await asyncio.sleep(0.1)
