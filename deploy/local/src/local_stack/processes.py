"""Processes as /proc shows them: who belongs to a home, who descends from whom, who is gone."""

import os
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local_stack.home import HOME_MARKER

# These overwrite the memory that /proc/PID/environ shows with their process title, so they are
# known by where they work or by the configuration that they were given.
_RETITLED = ("nginx", "redis-server", "postgres")


@dataclass(frozen=True, slots=True)
class Process:
    """One line of the process table."""

    pid: int
    name: str
    state: str
    parent: int
    group: int


def processes() -> Iterator[Process]:
    """Yield every process but zombies, which are dead and wait to be asked about it."""
    for entry in Path("/proc").glob("[0-9]*"):
        process = _read(int(entry.name))
        if process and process.state != "Z":
            yield process


def is_alive(pid: int) -> bool:
    """Tell whether `pid` is a process that has not ended."""
    process = _read(pid)
    return process is not None and process.state != "Z"


def tree(pid: int) -> list[int]:
    """Return `pid` and all that descends from it or is in its group, parents first."""
    everyone = list(processes())
    found = [pid]
    for parent in found:
        found.extend(
            process.pid
            for process in everyone
            if process.pid not in found and (process.parent == parent or process.group == pid)
        )
    return found


def remnants(home: Path, names: Collection[str] = ()) -> list[Process]:
    """Return the processes that belong to `home`, only those called `names` if given.

    A shell or an editor that somebody opened in that folder does not belong to it.
    """
    return [
        process
        for process in processes()
        if process.pid != os.getpid()
        and (not names or process.name in names)
        and _belongs(process, home)
    ]


def end(found: list[Process], *, within_s: float) -> None:
    """Ask `found` to stop, parents only, since they know how; kill what is left in the end."""
    pids = {process.pid for process in found}
    for process in found:
        if process.parent not in pids:
            gentle = signal.SIGINT if process.name == "postgres" else signal.SIGTERM
            send(process.pid, gentle)
        send(process.pid, signal.SIGCONT)
    wait_gone(pids, within_s=within_s)
    for pid in pids:
        send(pid, signal.SIGKILL)
    wait_gone(pids, within_s=5)


def wait_gone(pids: Collection[int], *, within_s: float) -> bool:
    """Wait until none of `pids` lives; tell whether that came true in time."""
    deadline = time.monotonic() + within_s
    while any(is_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def send(pid: int, number: int) -> None:
    """Send signal `number` to `pid`, which may be gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _read(pid: int) -> Process | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (OSError, UnicodeDecodeError):
        return None
    name = stat[stat.index("(") + 1 : stat.rindex(")")]
    state, parent, group = stat[stat.rindex(")") + 2 :].split()[:3]
    return Process(pid=pid, name=name, state=state, parent=int(parent), group=int(group))


def _belongs(process: Process, home: Path) -> bool:
    folder = Path(f"/proc/{process.pid}")
    with suppress(OSError):
        if f"{HOME_MARKER}={home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
            return True
    if process.name not in _RETITLED:
        return False
    with suppress(OSError):
        if Path(os.readlink(folder / "cwd")).is_relative_to(home):
            return True
    with suppress(OSError):
        return f"{home}/".encode() in (folder / "cmdline").read_bytes()
    return False
