"""The generator as a section sees it: started, watched, ended."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from local_stack.home import PROJECT_ROOT
from tests.bench.fixed_rate.outcome import Outcome
from tests.bench.fixed_rate.plan import Plan
from tests.bench.fixed_rate.records import count_records

LOOK_EACH_S = 0.5


class GeneratorError(Exception):
    """The generator's process ended without a result."""


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
    # It ends with this process, however that ends.
    process = await asyncio.create_subprocess_exec(
        "setpriv", "--pdeathsig=KILL", "--",
        sys.executable, "-m", "tests.bench.fixed_rate", str(plan_file),
        cwd=PROJECT_ROOT,
    )  # fmt: skip
    on_start(process.pid)
    seen = 0
    ending = asyncio.create_task(process.wait())
    try:
        while not ending.done():
            await asyncio.wait([ending], timeout=LOOK_EACH_S)
            there = count_records(plan.records_file)
            progress(there - seen)
            seen = there
    finally:
        if process.returncode is None:
            process.kill()
        await ending
    if process.returncode:
        raise GeneratorError(f"the generator ended with status {process.returncode}")
    return msgspec.json.decode(plan.outcome_file.read_bytes(), type=Outcome)
