"""How fast clicks that wait in the queue are stored, with their counts and the ledger."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import asyncpg

from local_stack.stack import Stack
from tests.bench.backlog import publish_backlog
from tests.bench.bench import Bench
from tests.bench.click_lines import ClickLines
from tests.bench.cpu import cpu_seconds, spent
from tests.bench.findings import Bars, Figure, Findings
from tests.bench.memory import peak_rss_bytes
from tests.bench.stored import STORED, Answered, judge, read_stored
from tests.bench.workers import consuming_since, running_workers
from tests.support.database import fetch
from tests.support.stack import started_stack

CLICKS = 2_000_000
MAX_ROUNDS = 3
WORKERS = (1, 2)
GOALS = {1: 60_000.0}

LEAST_PER_SECOND = 1_000
"""Slower than this and the round is given up."""
LOOK_EACH_S = 0.02

MB = 1_000_000

_EMPTY = (
    "TRUNCATE clicks, click_counts_hourly, click_counts_total, click_sources, click_deltas,"
    " click_statistics"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """One backlog, worked off."""

    per_second: float
    peak_mb: float
    """Of the largest worker."""
    cpu_us: Mapping[str, float]
    """By component, for each click."""
    others_percent: float
    wrong: Sequence[str]


def run(bench: Bench) -> Findings:
    """Fill the queue and let it be emptied, again and again, by one worker and by two."""
    clicks = max(1000, round(CLICKS * bench.options.scale))
    lines = ClickLines(bench.options.seed)
    found: dict[int, list[Ingested]] = {count: [] for count in WORKERS}
    programs = ("rabbitmq", "postgres", "click-ingest")
    with started_stack(bench.folder / "stack", programs) as stack:
        # It had to be there for the schema to be made; the workers below are started by hand.
        stack.stop_program("click-ingest")
        for number in range(min(bench.options.rounds, MAX_ROUNDS)):
            for count in WORKERS:
                asyncio.run(_fill(bench, stack, clicks, lines))
                ingested = _work_off(stack, count, clicks, bench.folder)
                found[count].append(ingested)
                bench.screen.say(
                    f"round {number + 1}: {count} at work, {ingested.per_second:,.0f} clicks a"
                    f" second, {ingested.peak_mb:.0f} MB"
                )
    return Findings(
        figures=[figure for count, rounds in found.items() for figure in _figures(count, rounds)],
        bars=[_where_the_time_goes(found)],
        wrong=[line for rounds in found.values() for each in rounds for line in each.wrong],
    )


async def _fill(bench: Bench, stack: Stack, clicks: int, lines: ClickLines) -> None:
    await _execute(stack, _EMPTY)
    with bench.screen.progress("clicks put into the queue", clicks) as progress:
        await publish_backlog(stack.urls.amqp_url, clicks, lines, progress)


def _work_off(stack: Stack, count: int, clicks: int, folder: Path) -> Ingested:
    with running_workers(stack, count, folder) as workers:
        components = {
            "click-ingest": [worker.pid for worker in workers],
            "postgres": [stack.pid("postgres")],
            "rabbitmq": [stack.pid("rabbitmq")],
        }
        before, looked_at = cpu_seconds(components), time.time()
        already, ended_at = asyncio.run(_wait_until_stored(stack, clicks))
        used = spent(before, cpu_seconds(components))
        peaks = [peak_rss_bytes(worker.pid) / MB for worker in workers]
        began_at = min(consuming_since(worker.log.read_text()) for worker in workers)
    return Ingested(
        per_second=clicks / (ended_at - began_at),
        peak_mb=max(peaks),
        cpu_us=used.per_piece_us(clicks - already),
        others_percent=used.others_percent(ended_at - looked_at),
        wrong=judge(Answered(redirects=clicks), read_stored(stack)),
    )


async def _wait_until_stored(stack: Stack, clicks: int) -> tuple[int, float]:
    """Return how much was stored at first look, and the Unix time at which all of it was."""
    connection = await asyncpg.connect(stack.urls.database_url)
    try:
        already = stored = await connection.fetchval(STORED)
        async with asyncio.timeout(60 + clicks / LEAST_PER_SECOND):
            while stored < clicks:
                await asyncio.sleep(LOOK_EACH_S)
                stored = await connection.fetchval(STORED)
        return already, time.time()
    finally:
        await connection.close()


async def _execute(stack: Stack, statement: str) -> None:
    await fetch(stack.urls.database_url, statement)


def _figures(count: int, rounds: Sequence[Ingested]) -> list[Figure]:
    who = "one worker" if count == 1 else f"{count} workers"
    speeds = [round(each.per_second) for each in rounds]
    peaks = [round(each.peak_mb, 1) for each in rounds]
    return [
        Figure(
            name=f"ingest, {who}",
            value=median(speeds),
            unit="clicks/s",
            goal=GOALS.get(count),
            is_floor=True,
            rounds=speeds,
            note="From the first consumer to the last commit, with counts and ledger. Others used"
            f" {median(each.others_percent for each in rounds):.0f} % of the machine.",
        ),
        Figure(name=f"most memory of a worker, {who}", value=max(peaks), unit="MB", rounds=peaks),
    ]


def _where_the_time_goes(found: Mapping[int, Sequence[Ingested]]) -> Bars:
    return Bars(
        title="Where the time goes",
        unit="µs of processor time per click",
        bars={
            "one worker" if count == 1 else f"{count} workers": {
                name: median(each.cpu_us[name] for each in rounds) for name in rounds[0].cpu_us
            }
            for count, rounds in found.items()
        },
    )
