"""Has processes write the backlog into the redirectors' spool folder, and die."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from local_stack.stack import Stack
from tests.resilience.backlog.spooler import SpoolPlan
from tests.support.database import fetch

PROCESSES = 2
CLICKS_PER_SECOND = 300
"""How fast the clicks seem to have come, by their moments."""

LOOK_EACH_S = 0.5
STARTS_WITHIN_S = 30.0
MIN_CLICKS_PER_SECOND = 2000
REQUEST_PREFIX = "bac10600"


class BacklogNotWrittenError(Exception):
    """The spools do not have what they should."""


async def write_backlog(stack: Stack, clicks: int, told: Callable[[int], None]) -> None:
    """Leave spools with `clicks` clicks that nobody owns; tell how many there are meanwhile.

    Raises:
        BacklogNotWrittenError: a process ended in another way than it should.
        TimeoutError: it takes too long.
    """
    rows = await fetch(stack.urls.database_url, "SELECT id, short_code FROM links ORDER BY id")
    root = stack.home.path / "spool"
    living = set(root.iterdir())
    last_ms = round(time.time() * 1000)
    share, rest = divmod(clicks, PROCESSES)
    plans = [
        SpoolPlan(
            root=str(root),
            clicks=share + (rest if number == 0 else 0),
            first_ms=last_ms - clicks * 1000 // CLICKS_PER_SECOND,
            last_ms=last_ms,
            seed=number,
            domain=f"localhost:{stack.public_port}",
            request_prefix=REQUEST_PREFIX,
            links=[(row["id"], row["short_code"]) for row in rows],
        )
        for number in range(PROCESSES)
    ]
    async with asyncio.timeout(STARTS_WITHIN_S + clicks / MIN_CLICKS_PER_SECOND):
        async with asyncio.TaskGroup() as tasks:
            recording = [
                tasks.create_task(_record(stack.home.path / f"spooler-{number}.json", plan))
                for number, plan in enumerate(plans)
            ]
            while not all(task.done() for task in recording):
                await asyncio.wait(recording, timeout=LOOK_EACH_S)
                told(_written(root, living))
    told(clicks)


async def _record(plan_file: Path, plan: SpoolPlan) -> None:
    plan_file.write_bytes(msgspec.json.encode(plan))
    process = await asyncio.create_subprocess_exec(
        "setpriv", "--pdeathsig=KILL", "--",
        sys.executable, "-m", "tests.resilience.backlog.spooler", str(plan_file),
    )  # fmt: skip
    try:
        status = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status != -signal.SIGKILL:
        raise BacklogNotWrittenError(f"a process that was to die after its last click: {status}")


def _written(root: Path, living: set[Path]) -> int:
    """Count what is there but for the newest segments, which are named by their first click."""
    names = {
        path: max((each.name for each in path.glob("*.clicks")), default="0.")
        for path in root.iterdir()
        if path not in living and not path.name.startswith(".")
    }
    return sum(int(name.partition(".")[0]) for name in names.values())
