"""The generator as a section sees it: started, watched, ended."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.bench.fixed_rate.outcome import Outcome
from tests.bench.fixed_rate.plan import Plan
from tests.bench.fixed_rate.records import count_records
from tests.bench.process import running

LOOK_EACH_S = 0.1


class GeneratorError(Exception):
    """The generator's process ended without a result; with what it said."""


async def send_at_fixed_rate(
    plan: Plan,
    *,
    progress: Callable[[float], None] = lambda done: None,
    on_start: Callable[[int], None] = lambda pid: None,
) -> Outcome:
    """Carry a plan out whose requests are written, in a process of its own.

    `progress` is told how many more requests have ended, `on_start` the pid.

    Raises:
        GeneratorError: it did not come to its end.
    """
    plan_file = Path(plan.folder) / "plan.json"
    plan_file.write_bytes(msgspec.json.encode(plan))
    plan.records_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.bench.fixed_rate", str(plan_file)]
    log = Path(plan.folder) / "generator.log"
    seen = 0
    with running(command, log=log) as generator:
        on_start(generator.pid)
        while generator.process.poll() is None:
            await asyncio.sleep(LOOK_EACH_S)
            there = count_records(plan.records_file)
            progress(there - seen)
            seen = there
    if generator.process.returncode:
        raise GeneratorError(log.read_text(errors="replace").strip())
    return msgspec.json.decode(plan.outcome_file.read_bytes(), type=Outcome)
