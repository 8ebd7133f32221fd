"""A short chaos run, the whole program: it passes, leaves a report and no process behind."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from tests.support.left_behind import left_behind

ROOT = Path(__file__).parents[2]
ENDS_WITHIN_S = 240


async def a_run(folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    """Start a run in a session of its own, as a shell would, with all that is its in `folder`."""
    homes = folder / "homes"
    homes.mkdir()
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.resilience.chaos", "--report", str(folder / "report"),
        *arguments,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(homes)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip


async def output_of(run: asyncio.subprocess.Process) -> str:
    """Wait for the end of a run; return what it has printed."""
    async with asyncio.timeout(ENDS_WITHIN_S):
        output, _ = await run.communicate()
    return output.decode()


async def test_a_short_run_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """A killed worker, a killed redirector and a reload of nginx: each click stored once."""
    run = await a_run(tmp_path, "--seed", "3486", "--duration", "25", "--rate", "100")
    output = await output_of(run)
    assert run.returncode == 0, output
    summary = json.loads((tmp_path / "report/seed-3486/run.json").read_text())
    verdict = summary["verdict"]
    hit = {(each["fault"]["component"], each["fault"]["action"]) for each in summary["episodes"]}
    # A round that the machine had no time for is left out, and the report says so.
    assert hit
    assert hit <= {("click-ingest", "kill"), ("redirector-1", "kill"), ("nginx", "reload")}
    assert verdict["redirects"] > 2000
    assert (verdict["lost"], verdict["doubled"], verdict["failed"]) == (0, 0, 0)
    assert (tmp_path / "report/seed-3486/index.html").exists()
    assert left_behind(tmp_path / "homes") == []


async def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C in the middle stops servers and visitors, and there is no verdict."""
    run = await a_run(tmp_path, "--seed", "3486", "--duration", "600", "--rate", "200")
    assert run.stdout is not None
    async with asyncio.timeout(ENDS_WITHIN_S):
        while b"kill" not in (line := await run.stdout.readline()):
            assert line, "it ended before its first fault"
    run.send_signal(signal.SIGINT)
    await output_of(run)
    assert run.returncode == 130
    assert not (tmp_path / "report").exists()
    assert list((tmp_path / "homes").iterdir()) == []
    assert left_behind(tmp_path / "homes") == []
