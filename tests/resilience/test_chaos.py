"""A short chaos run, the whole program: it passes, leaves a report and no process behind."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.resilience.chaos.fault import Fault
from tests.resilience.chaos.schedule import ACTIONS, create_schedule
from tests.support.left_behind import left_behind
from tests.support.whole_program import a_program, interrupt_at, output_of

ENDS_WITHIN_S = 240
SEED, DURATION_S = 3486, 25


@asynccontextmanager
async def a_run(folder: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the program for the block, with all that is its in `folder`."""
    homes = folder / "homes"
    homes.mkdir()
    async with a_program(
        "tests.resilience.chaos", "--report", str(folder / "report"), "--seed", str(SEED),
        *arguments,
        environment={"TMPDIR": str(homes)},
    ) as run:  # fmt: skip
        yield run


def drawn(not_run: Sequence[str]) -> list[str]:
    """Return the faults of the schedule, without those that the report says were left out."""
    components = [name for name in ACTIONS if f"{name}: not allowed here" not in not_run]
    faults = [fault for hits in create_schedule(SEED, DURATION_S, components) for fault in hits]
    return sorted(str(fault) for fault in faults if f"{fault}: no time left" not in not_run)


async def test_a_short_run_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Every fault drawn is carried out, and each click of a visitor is stored once."""
    async with a_run(tmp_path, "--duration", str(DURATION_S), "--rate", "100") as run:
        output = await output_of(run, ENDS_WITHIN_S)
    assert run.returncode == 0, output
    summary = json.loads((tmp_path / f"report/seed-{SEED}/run.json").read_text())
    verdict = summary["verdict"]
    hit = sorted(str(Fault(**each["fault"])) for each in summary["episodes"])
    assert hit == drawn(summary["not_run"])
    assert hit
    assert verdict["redirects"] > 2000
    assert (verdict["lost"], verdict["doubled"], verdict["failed"]) == (0, 0, 0)
    assert (tmp_path / f"report/seed-{SEED}/index.html").exists()
    assert left_behind(tmp_path / "homes") == []


async def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C in the middle stops servers and visitors, and there is no verdict."""
    async with a_run(tmp_path, "--duration", "60", "--rate", "200") as run:
        await interrupt_at(run, b"kill", ENDS_WITHIN_S)
    assert run.returncode == 130
    assert not (tmp_path / "report").exists()
    assert list((tmp_path / "homes").iterdir()) == []
    assert left_behind(tmp_path / "homes") == []
