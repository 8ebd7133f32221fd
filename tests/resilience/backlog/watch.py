"""What is looked at each second: processes, spools on disk, queue, stored clicks."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from local_stack.stack import Stack
from tests.support.observe import EACH_S, REDIRECTORS, Observer

WATCHED = (*REDIRECTORS, "click-ingest")
_RESIDENT = "VmRSS:"


@dataclass(frozen=True, slots=True)
class ProcessorTime:
    """How long a process has had a processor, and has waited for one, since it began."""

    used_s: float
    waited_s: float


@dataclass(frozen=True, slots=True)
class Moment:
    """What was seen; None is what nobody answered."""

    at: float
    resident_bytes: dict[str, int]
    processor_s: dict[str, "ProcessorTime"]
    spool_bytes: int
    """On disk, in the folders of the living and of the dead."""
    spools: int
    queued: int | None
    stored: int | None


@dataclass(slots=True)
class Watch:
    """Looks at one stack for as long as it is told to."""

    stack: Stack
    observer: Observer
    moments: list[Moment] = field(default_factory=list)
    _pids: dict[str, int] = field(default_factory=dict)

    async def keep(self) -> None:
        """Go on for ever."""
        self._pids = {name: await asyncio.to_thread(self.stack.pid, name) for name in WATCHED}
        while True:
            started = time.monotonic()
            self.moments.append(await self._look())
            await asyncio.sleep(max(0, started + EACH_S - time.monotonic()))

    async def _look(self) -> Moment:
        sample = await self.observer.look()
        folders = [path for path in (self.stack.home.path / "spool").iterdir() if path.is_dir()]
        return Moment(
            at=sample.at,
            resident_bytes={name: resident_bytes(pid) for name, pid in self._pids.items()},
            processor_s={name: processor_time(pid) for name, pid in self._pids.items()},
            spool_bytes=sum(_folder_bytes(path) for path in folders),
            spools=len(folders),
            queued=sample.queued,
            stored=sample.stored,
        )

    def between(self, began_at: float, ended_at: float) -> list[Moment]:
        """Return what was seen in this time."""
        return [each for each in self.moments if began_at <= each.at <= ended_at]


def resident_bytes(pid: int) -> int:
    """Return how much memory a process has.

    Raises:
        ProcessLookupError: there is no such process any more.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        raise ProcessLookupError(f"process {pid} has gone") from None
    (line,) = (line for line in lines if line.startswith(_RESIDENT))
    return int(line.split()[1]) * 1024


def processor_time(pid: int) -> ProcessorTime:
    """Return what the kernel has noted of the first thread of a process: the event loop's.

    Raises:
        ProcessLookupError: there is no such process any more.
    """
    try:
        used_ns, waited_ns, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    except FileNotFoundError:
        raise ProcessLookupError(f"process {pid} has gone") from None
    return ProcessorTime(int(used_ns) / 1e9, int(waited_ns) / 1e9)


def _folder_bytes(folder: Path) -> int:
    try:
        return sum(_size_bytes(each) for each in folder.iterdir())
    except FileNotFoundError:  # all of it was confirmed, and the folder deleted, meanwhile
        return 0


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # confirmed and deleted meanwhile
        return 0
