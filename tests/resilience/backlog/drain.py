"""The drain: from when RabbitMQ is back until everything that was spooled before is stored."""

import asyncio
import time

from tests.resilience.backlog.record import Options
from tests.resilience.backlog.watch import Moment, Watch
from tests.support.crowd import Crowd
from tests.support.observe import EACH_S, REDIRECTORS
from tests.support.run_terminal import RunTerminal


async def drain_backlog(
    options: Options, crowd: Crowd, watch: Watch, terminal: RunTerminal
) -> tuple[tuple[float, float], str]:
    """Wait until all that was spooled before is stored; return from when to when, and a problem.

    The visits' clicks are stored with the others, so what counts is all of them.
    """
    crowd.read()
    due = options.clicks + len(crowd.visits)
    began_at = time.time()
    while time.time() - began_at < options.drained_within_s:
        await asyncio.sleep(EACH_S)
        crowd.read()
        now = watch.moments[-1]
        terminal.progress(
            f"{now.spool_bytes / 1e6:,.0f} MB in {now.spools} spools,"
            f" {_number(now.queued)} messages queued, {_number(now.stored)} clicks stored",
            options.clicks + (now.stored or 0),
        )
        if now.spools <= len(REDIRECTORS) and (now.stored or 0) >= due:
            return (began_at, time.time()), ""
    return (began_at, time.time()), f"not stored within {options.drained_within_s:.0f} s"


def published_at(moments: list[Moment]) -> float | None:
    """Return when nothing was left in the spools of dead processes; None if that was never so."""
    return next((each.at for each in moments if each.spools <= len(REDIRECTORS)), None)


def _number(seen: int | None) -> str:
    return "?" if seen is None else f"{seen:,}"
