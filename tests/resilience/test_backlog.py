"""A short run of the backlog program: what spools hold after an outage is stored once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.left_behind import left_behind
from tests.support.whole_program import a_program, interrupt_at, output_of

ENDS_WITHIN_S = 480


@asynccontextmanager
async def a_run(folder: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the program for the block, with all that is its in `folder`."""
    environment = {"TMPDIR": str(folder)}
    async with a_program("tests.resilience.backlog", *arguments, environment=environment) as run:
        yield run


def assert_nothing_is_left(folder: Path) -> None:
    """No file, and no process that was told of this folder."""
    assert list(folder.iterdir()) == []
    assert left_behind(folder) == []


async def test_a_backlog_is_stored_once(tmp_path: Path) -> None:
    """Clicks of dead redirectors and of visits meanwhile are all rows, none of them twice."""
    async with a_run(tmp_path, "--clicks", "50000", "--rate", "100", "--calm", "2") as run:
        output = await output_of(run, ENDS_WITHIN_S)
    assert run.returncode == 0, output
    figures = dict(
        line.rsplit(maxsplit=2)[:2] for line in output.splitlines() if line.endswith(" 0")
    )
    assert set(figures.values()) == {"0"}
    assert {"lost of them", "doubled of them", "their clicks lost", "their clicks doubled"} <= set(
        figures
    )
    assert_nothing_is_left(tmp_path)


async def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C while spools are written stops every process and removes the folder."""
    async with a_run(tmp_path, "--clicks", "1000000", "--rate", "50", "--calm", "1") as run:
        await interrupt_at(run, b"filling spools", ENDS_WITHIN_S)
    assert run.returncode == 130
    assert_nothing_is_left(tmp_path)
