"""A billion clicks a day for ten minutes: what visitors feel, and that each click is stored once.

A million links, visited by Zipf's law with exponent 1, all of them cached: at this rate even the
least popular one is visited some seventy times in the day for which it stays so.
"""

import asyncio
import time
from random import Random

import asyncpg

from local_stack.stack import Stack
from tests.bench.answered import compare
from tests.bench.bench import Bench
from tests.bench.findings import Findings
from tests.bench.fixed_rate.generator import send_at_fixed_rate
from tests.bench.fixed_rate.plan import Plan
from tests.bench.fixed_rate.records import count_records
from tests.bench.fixed_rate.summary import request_ids, summarise
from tests.bench.fixed_rate.visitors import visitor_endings
from tests.bench.fixed_rate.zipf import draw_links
from tests.bench.redis_memory import redis_memory
from tests.bench.sustained_findings import Sustained, sustained_findings
from tests.bench.warm_cache import cache_links
from tests.bench.watch import watching
from tests.seed.links import SeededLinks, seed_links
from tests.support.stack import started_stack

LINKS = 1_000_000
LEAST_LINKS = 1_000
RAMP_S = 20.0
CONNECTIONS = 128
REDIRECTED = 302
STORED_WITHIN_S = 300.0
LOOK_EACH_S = 0.05


def run(bench: Bench) -> Findings:
    """Seed, warm up, keep the rate, wait for the last click, compare."""
    with started_stack(bench.folder / "stack") as stack:
        return asyncio.run(_measure(bench, stack))


async def _measure(bench: Bench, stack: Stack) -> Findings:
    links = max(LEAST_LINKS, round(LINKS * bench.options.scale))
    with bench.screen.progress("links", links) as advance:
        seeded = await seed_links(
            stack.urls.database_url, links, seed=bench.options.seed, progress=advance
        )
    empty = await redis_memory(stack)
    with bench.screen.progress("cached links", links) as advance:
        await cache_links(stack, seeded.codes(), advance)
    full = await redis_memory(stack)
    plan = _plan(bench, stack, seeded)
    async with watching(stack) as watch:
        with bench.screen.progress("visits", plan.count) as advance:
            outcome = await send_at_fixed_rate(
                plan, progress=advance, on_start=watch.know_generator
            )
        stored_at = await _wait_until_stored(stack.urls.database_url, outcome.answered)
        everything_bytes = watch.everything_bytes()
    with bench.screen.progress("records", 2 * count_records(plan.records_file)) as advance:
        summary = summarise(plan, REDIRECTED, advance)
        answered = request_ids(plan, REDIRECTED, advance)
        comparison = await compare(stack.urls.database_url, answered)
    return sustained_findings(
        Sustained(
            links=links,
            empty=empty,
            full=full,
            summary=summary,
            outcome=outcome,
            looks=watch.between(outcome.began_at + plan.ramp_s, outcome.last_answer_at),
            stored_after_s=stored_at - outcome.last_answer_at,
            everything_bytes=everything_bytes,
            comparison=comparison,
        )
    )


def _plan(bench: Bench, stack: Stack, seeded: SeededLinks) -> Plan:
    options = bench.options
    random = Random(options.seed)  # noqa: S311 - a repeatable choice, no secret
    ramp_s = min(RAMP_S, options.sustained_s / 4)
    plan = Plan(
        folder=str(bench.folder),
        port=stack.public_port,
        per_second=options.sustained_per_second,
        ramp_s=ramp_s,
        count=round(options.sustained_per_second * (options.sustained_s + ramp_s / 2)),
        endings=visitor_endings(f"localhost:{stack.public_port}", random),
        connections=CONNECTIONS,
    )
    bench.screen.say(f"drawing {plan.count:,} visits")
    targets = (f"/{code}" for code in seeded.codes())
    plan.write_requests(targets, draw_links(random, len(seeded), plan.count))
    return plan


async def _wait_until_stored(database_url: str, count: int) -> float:
    """Return when so many clicks were in the ledger, or when waiting for it was given up."""
    deadline, seen_at = time.monotonic() + STORED_WITHIN_S, time.time()
    connection = await asyncpg.connect(database_url)
    try:
        while time.monotonic() < deadline:
            stored = await connection.fetchval(
                "SELECT coalesce(sum(stored), 0)::bigint FROM click_sources"
            )
            seen_at = time.time()
            if stored >= count:
                break
            await asyncio.sleep(LOOK_EACH_S)
    finally:
        await connection.close()
    return seen_at
