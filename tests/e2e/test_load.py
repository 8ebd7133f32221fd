"""Short load runs against real stacks: a whole one passes, a broken one names what it misses."""

import asyncio
import json
from pathlib import Path

from local_stack.stack import Stack
from tests.support.stack import started_stack
from tests.support.whole_program import a_program, output_of

ENDS_WITHIN_S = 180

# Not asserted in a test: a machine busy with other things must not fail it. One stall in a short
# run leaves lookups to PostgreSQL, and has callers hold every connection, so that others get 503.
OF_TIME = {"requests of those planned", "failed requests", "redirect p95", "create p95",
           "Redis lookups p95", "database lookups p95", "cache hit ratio",
           "pool utilisation"}  # fmt: skip


async def load(stack: Stack, folder: Path, *arguments: str) -> tuple[int | None, dict[str, bool]]:
    """Do a run as `make load` does; return the exit status and what was met."""
    async with a_program(
        "tests.load", "--home", str(stack.home.path), "--report", str(folder), "--links", "100",
        *arguments,
    ) as run:  # fmt: skip
        output = await output_of(run, ENDS_WITHIN_S)
    pages = list(folder.glob("*/run.json"))
    assert pages, output
    summary = json.loads(pages[0].read_text())
    assert (pages[0].parent / "index.html").read_text().count("<svg") >= 5
    # That is for callers: every visitor was answered.
    assert all(what.startswith("create: ") for what in summary["client"]["failures"]), output
    return run.returncode, {goal["name"]: goal["is_met"] for goal in summary["goals"]}


async def test_a_whole_stack_passes(stack: Stack, tmp_path: Path) -> None:
    """Every target but those of time is met, and every one is measured."""
    status, met = await load(stack, tmp_path, "--profile", "burst", "--duration", "8")
    assert {name for name, is_met in met.items() if not is_met} <= OF_TIME
    assert None not in met.values()
    assert status == (0 if all(met.values()) else 1)


async def test_a_broken_stack_misses_what_is_broken(tmp_path: Path) -> None:
    """Redis off and pools of one connection: the cache, its lookups and the pools are named."""
    small = {"DATABASE_MAX_CONNECTIONS": "4", "REPLICAS_REDIRECTOR": "4"}
    with started_stack(tmp_path / "home", environment=small) as stack:
        await asyncio.to_thread(stack.stop_program, "redis")
        status, met = await load(
            stack, tmp_path / "report", "--profile", "burst", "--duration", "10"
        )
    assert status == 1
    missed = {name for name, is_met in met.items() if not is_met}
    assert missed >= {"cache hit ratio", "Redis lookups p95"}
    assert missed <= OF_TIME
    assert met["clicks counted of those answered"]
