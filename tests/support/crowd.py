"""The visitors' process as the run sees it: started, read while it goes on, stopped."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from tests.support.visit import Visit, VisitReader
from tests.support.visitors import Plan

ANSWERED_WITHIN_S = 15.0
LOOK_EACH_S = 0.2


class Crowd:
    """All visits so far."""

    __slots__ = ("_process", "_reader", "visits")

    def __init__(self, log: Path, process: asyncio.subprocess.Process) -> None:
        self._reader = VisitReader(log)
        self._process = process
        self.visits: list[Visit] = []

    def read(self) -> None:
        """Take in what was recorded since the last call."""
        self.visits.extend(self._reader.news())

    def is_there(self) -> bool:
        """Tell whether visitors are still coming."""
        return self._process.returncode is None

    async def wait_for(self, count: int, within_s: float) -> None:
        """Wait for this many visits, or until there will be no more.

        Raises:
            TimeoutError: they do not come.
        """
        async with asyncio.timeout(within_s):
            while self.is_there() and len(self.visits) < count:
                await asyncio.sleep(LOOK_EACH_S)
                self.read()


@asynccontextmanager
async def visiting(plan: Plan, folder: Path) -> AsyncIterator[Crowd]:
    """Run the visitors while the block runs, then wait for their last answers."""
    plan_file = folder / "visitors.json"
    plan_file.write_bytes(msgspec.json.encode(plan))
    # They end with this process, however it ends.
    process = await asyncio.create_subprocess_exec(
        "setpriv", "--pdeathsig=TERM", "--",
        sys.executable, "-m", "tests.support.visitors", str(plan_file),
    )  # fmt: skip
    crowd = Crowd(Path(plan.log), process)
    try:
        yield crowd
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        crowd.read()
