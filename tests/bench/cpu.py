"""Processor time by component, as the kernel has accounted it in /proc."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from local_stack import processes

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
REST = "everything else"
"""What was not measured and kept the cores busy all the same, on a machine that others use."""

Components = Mapping[str, Sequence[int]]
"""The pids of each component's first processes; all that descends from them counts as theirs."""


def cpu_seconds(components: Components) -> dict[str, float]:
    """Return what each component has used since its processes began, and the machine in all."""
    used = {
        name: sum(_tree_seconds(processes.tree(pid)) for pid in pids)
        for name, pids in components.items()
    }
    return {**used, REST: machine_seconds(Path("/proc/stat").read_text())}


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return what each component has used in between; `REST` is what none of them has."""
    used = {name: max(0.0, after[name] - before[name]) for name in before if name != REST}
    rest = after[REST] - before[REST] - sum(used.values())
    return {**used, REST: max(0.0, rest)}


def process_seconds(stat: str) -> float:
    """Return the processor time in a /proc/PID/stat, of children that have ended too.

    A worker that ends in between moves what it had from its own line to its parent's.
    """
    # The name before it may have spaces and brackets.
    fields = stat[stat.rindex(")") + 2 :].split()
    return sum(int(ticks) for ticks in fields[11:15]) / TICKS_PER_S


def machine_seconds(stat: str) -> float:
    """Return the time in /proc/stat that all cores were at work; not what was stolen from them."""
    user, nice, system, _idle, _waiting, irq, soft_irq = map(int, stat.split()[1:8])
    return (user + nice + system + irq + soft_irq) / TICKS_PER_S


def _tree_seconds(pids: Iterable[int]) -> float:
    total = 0.0
    for pid in pids:
        try:
            total += process_seconds(Path(f"/proc/{pid}/stat").read_text())
        except OSError:
            continue  # ended since it was listed; its parent has its time
    return total
