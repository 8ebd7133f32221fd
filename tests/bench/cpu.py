"""Processor time by component, as the kernel has accounted it in /proc."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local_stack import processes

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MACHINE = "machine"
"""All that kept the cores busy, whoever it was."""

Components = Mapping[str, Sequence[int]]
"""The pids of each component's first processes; all that descends from them counts as theirs."""


def cpu_seconds(components: Components) -> dict[str, float]:
    """Return what each component has used since its processes began, and the machine in all."""
    used = {
        name: sum(_tree_seconds(processes.tree(pid)) for pid in pids)
        for name, pids in components.items()
    }
    return {**used, MACHINE: machine_seconds(Path("/proc/stat").read_text())}


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor time within a measurement."""

    by_component: Mapping[str, float]
    others_s: float
    """What was not measured and kept the cores busy all the same, on a machine that others use."""

    def with_component(self, name: str, cpu_s: float) -> "Spent":
        """Add a component whose time is known from elsewhere: it was among the others so far."""
        return Spent({**self.by_component, name: cpu_s}, max(0.0, self.others_s - cpu_s))

    def per_piece_us(self, pieces: float) -> dict[str, float]:
        """Return what each of so many pieces of work cost each component."""
        return {name: 1e6 * cpu_s / max(1, pieces) for name, cpu_s in self.by_component.items()}

    def others_percent(self, lasted_s: float) -> float:
        """Return how much of the machine the others had."""
        return 100 * self.others_s / (lasted_s * (os.cpu_count() or 1))


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> Spent:
    """Return what has been used between two looks."""
    used = {name: max(0.0, after[name] - before[name]) for name in before if name != MACHINE}
    return Spent(used, max(0.0, after[MACHINE] - before[MACHINE] - sum(used.values())))


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
