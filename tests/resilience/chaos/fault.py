"""What a fault is: a component, what is done to it, when and for how long."""

from dataclasses import dataclass
from enum import StrEnum

SPOOL_DISK = "spool-disk"
"""The disk on which both redirectors keep their spools; a component, though not a program."""


class Action(StrEnum):
    """What can be done to a component."""

    KILL = "kill"
    FREEZE = "freeze"
    RESTART = "restart"
    STOP = "stop"
    RELOAD = "reload"
    FLUSH = "flush"
    MEMORY_ALARM = "memory alarm"
    DISK_ALARM = "disk alarm"
    FILL = "fill"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the schedule; seconds count from the schedule's beginning."""

    component: str
    action: Action
    starts_s: float
    lasts_s: float
    """How long it is kept up; 0 for what is over at once, a kill for example."""

    def __str__(self) -> str:
        lasts = f" for {self.lasts_s:.0f} s" if self.lasts_s else ""
        return f"{self.component}: {self.action}{lasts}"


@dataclass(frozen=True, slots=True)
class Episode:
    """A fault as it was carried out, in Unix time."""

    fault: Fault
    began_at: float
    well_at: float
    """When the component answered again."""
    problem: str = ""
    """Why it could not be carried out, or did not end well."""
