"""What PostgreSQL's sessions weigh beside the programs that visitors wait for.

Every process of PostgreSQL begins a session of its own. A kernel that schedules by session
("autogroup" in sched(7)) gives each as much as all other programs together, which share the one of
supervisord: while a batch of clicks is stored, half a processor is taken from redirectors and
nginx (docs/adr/0014-visitors-before-storing.md). A new session does not inherit its weight, so
supervisord, of which this is a plug-in, looks for new ones every five seconds.
"""

from pathlib import Path
from typing import Any

from supervisor import events  # type: ignore[import-untyped]

NICENESS = 5
"""A third of the usual weight: 335, not 1024, in the kernel's table `sched_prio_to_weight`."""

_PROC = Path("/proc")


class SessionWeight:
    """The plug-in as supervisord wants it, which offers nothing to its callers."""

    def __init__(self, supervisord: Any) -> None:
        self._supervisord = supervisord
        events.subscribe(events.Tick5Event, self._tick)

    def _tick(self, event: object) -> None:
        group = self._supervisord.process_groups.get("postgres")
        if group is not None:
            lighten_sessions(group.processes["postgres"].pid)


def lighten_sessions(postmaster: int, proc: Path = _PROC) -> None:
    """Give the sessions of this server's processes their weight, the newest first.

    Where there is no such server or no such weights there is nothing to do. For anybody but root
    the kernel takes ten in a second; the rest is left to the next time.
    """
    try:
        children = (proc / f"{postmaster}/task/{postmaster}/children").read_text().split()
    except OSError:
        return
    for pid in reversed(children):
        weight = proc / pid / "autogroup"
        try:
            if not weight.read_text().endswith(f" nice {NICENESS}\n"):
                weight.write_text(str(NICENESS))
        except BlockingIOError:
            return
        except OSError:  # that process has ended
            continue
