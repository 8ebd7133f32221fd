"""Waiting for programs to come up or to end, with the reason when they do not."""

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType

from local_stack.errors import NotReadyError
from local_stack.home import Home
from local_stack.program import Program
from local_stack.supervision import ProgramState, Supervisor

POLL_S = 0.1
MAX_LIVES = 4
"""A program that has begun this often without getting ready will not get ready."""
_LOG_LINES = 15


def until_ready(
    waited_for: Mapping[str, Program],
    *,
    supervisor: Supervisor,
    home: Home,
    within_s: float,
    on_ready: Callable[[str], None] = lambda _: None,
    logs_from: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Wait until every program answers; call `on_ready` with the name of each that does.

    Raises:
        NotReadyError: a program takes too long, or some keep dying; with the end of their logs, as
            far as that lies behind `logs_from` bytes.
    """

    def explain(name: str, why: str) -> str:
        return _explain(home.log(name), logs_from.get(name, 0), f"{name} {why}")

    deadline = time.monotonic() + within_s
    pending = dict(waited_for)
    lives: dict[str, set[int]] = {name: set() for name in pending}
    reasons: dict[str, str] = {}
    while pending:
        states = supervisor.states()
        for name, program in list(pending.items()):
            reason = _why_not_ready(states[name], program)
            if reason is None:
                del pending[name]
                on_ready(name)
                continue
            reasons[name] = reason
            lives[name] |= {states[name].pid} - {0}
        if any(len(lives[name]) > MAX_LIVES for name in pending):
            # All of them at once: each may have a setting of its own that is wrong.
            dying = [explain(name, "keeps dying") for name in pending if len(lives[name]) > 1]
            raise NotReadyError("\n".join(dying))
        if pending and time.monotonic() > deadline:
            name = next(iter(pending))
            why = f"is not ready after {within_s:.0f} s ({reasons[name]})"
            raise NotReadyError(explain(name, why))
        if pending:
            time.sleep(POLL_S)


def until_stopped(names: Collection[str], *, supervisor: Supervisor, within_s: float) -> None:
    """Wait until none of the programs has a process.

    Raises:
        NotReadyError: one has, in spite of supervisord's SIGKILL.
    """
    deadline = time.monotonic() + within_s
    while alive := [name for name in names if not supervisor.states()[name].is_stopped]:
        if time.monotonic() > deadline:
            raise NotReadyError(f"{', '.join(alive)} did not stop within {within_s:.0f} s")
        time.sleep(POLL_S)


def _why_not_ready(state: ProgramState, program: Program) -> str | None:
    if not state.is_running:
        return f"it is {state.state.lower()}"
    try:
        program.probe()
    except OSError as error:
        return str(error)
    return None


def _explain(log: Path, begins_at: int, why: str) -> str:
    try:
        content = log.read_bytes()
    except OSError:
        content = b""
    if len(content) >= begins_at:  # else it has been rotated away since, and all of it is new
        content = content[begins_at:]
    lines = content.decode(errors="replace").splitlines()
    # Each life says the same: a line that came again is told once, where it came last.
    last = list(dict.fromkeys(reversed(lines)))[:_LOG_LINES]
    quoted = "".join(f"\n  | {line}" for line in reversed(last))
    return f"{why}; the end of {log}:{quoted}"
