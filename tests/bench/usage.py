"""Memory by component, as the kernel has accounted it in /proc."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from local_stack import processes
from local_stack.stack import Stack
from tests.bench.cpu import Components

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def components(stack: Stack) -> Components:
    """Return the process of each program that runs; what it has started belongs to it."""
    return {name: [state.pid] for name, state in stack.states().items() if state.pid}


def resident_bytes(pid: int) -> int:
    """Return what a process has in memory, pages that it shares with others too."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    return 0


def proportional_bytes(found: Components) -> int:
    """Return what all of them and their children have in memory; a shared page counts once."""
    pids = {pid for first in found.values() for pid in first}
    return sum(map(_proportional, _with_children(pids)))


def _with_children(pids: Iterable[int]) -> set[int]:
    return {member for pid in pids for member in processes.tree(pid)}


def _proportional(pid: int) -> int:
    # Of processes of another user only root is told; for them it is 0.
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        line = next(line for line in lines if line.startswith("Pss:"))
        return int(line.split()[1]) * 1024
    return 0
