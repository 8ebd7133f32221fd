"""A short run of the backlog program: what spools hold after an outage is stored once."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.support.left_behind import left_behind

ROOT = Path(__file__).parents[2]
ENDS_WITHIN_S = 240


async def a_run(folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    """Start a run with all that is its in `folder`."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.resilience.backlog", *arguments,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip


def assert_nothing_is_left(folder: Path) -> None:
    """No file, and no process that was told of this folder."""
    assert list(folder.iterdir()) == []
    assert left_behind(folder) == []


async def test_a_backlog_is_stored_once(tmp_path: Path) -> None:
    """Clicks of dead redirectors and of visits meanwhile are all rows, none of them twice."""
    run = await a_run(tmp_path, "--clicks", "50000", "--rate", "100", "--calm", "2")
    async with asyncio.timeout(ENDS_WITHIN_S):
        output, _ = await run.communicate()
    assert run.returncode == 0, output.decode()
    figures = dict(
        line.rsplit(maxsplit=2)[:2] for line in output.decode().splitlines() if line.endswith(" 0")
    )
    assert set(figures.values()) == {"0"}
    assert {"lost of them", "doubled of them", "their clicks lost", "their clicks doubled"} <= set(
        figures
    )
    assert_nothing_is_left(tmp_path)


async def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C while spools are written stops every process and removes the folder."""
    run = await a_run(tmp_path, "--clicks", "1000000", "--rate", "50", "--calm", "1")
    assert run.stdout is not None
    async with asyncio.timeout(ENDS_WITHIN_S):
        while b"filling spools" not in (line := await run.stdout.readline()):
            assert line, "it ended before"
        run.send_signal(signal.SIGINT)
        await run.communicate()
    assert run.returncode == 130
    assert_nothing_is_left(tmp_path)
