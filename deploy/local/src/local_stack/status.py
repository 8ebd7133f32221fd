"""`make status`: every program, and under each service what it depends on, as one table."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from local_stack.errors import StackError
from local_stack.programs import SERVICES
from local_stack.stack import Stack
from local_stack.supervision import ProgramState
from local_stack.terminal import Terminal

# Few and narrow, since the last one has to find its room within 80 characters.
_COLUMNS = ("program", "state", "latency", "health")
_WELL = ("ok", "degraded")

Row = tuple[str, ...]


def show_status(stack: Stack, terminal: Terminal) -> bool:
    """Print the table; tell whether every program does its work, degraded or not."""
    all_well = True
    rows: list[Row] = []
    for name, state in stack.states().items():
        ready = _ready(stack, state)
        all_well &= ready in _WELL
        rows.append(_program_row(stack, state, ready))
        if name in SERVICES and state.is_running:
            rows += _check_rows(stack, name)
    terminal.table(_COLUMNS, rows)
    return all_well


def _ready(stack: Stack, state: ProgramState) -> str:
    if not state.is_running:
        return "-"
    try:
        return stack.probe(state.name)
    except (OSError, StackError) as error:
        return f"down: {error}"


def _program_row(stack: Stack, state: ProgramState, ready: str) -> Row:
    where = f"port {stack.port(state.name)}"
    if state.pid:
        where += f", pid {state.pid}, up {_duration(time.time() - state.started)}"
    return (state.name, state.state.lower(), "", f"{ready}, {where}")


def _check_rows(stack: Stack, name: str) -> list[Row]:
    try:
        checks = stack.health(name)
    except OSError:
        return []  # its own row says so
    return [_check_row(check, result) for check, result in checks.items()]


def _check_row(check: str, result: Mapping[str, Any]) -> Row:
    rest = dict(result)
    status, latency_ms = rest.pop("status"), rest.pop("latency_ms")
    health = ", ".join(_in_words(rest))
    return (f"  {check}", str(status), _milliseconds(latency_ms), health)


def _in_words(rest: dict[str, Any]) -> Iterator[str]:
    if "reason" in rest:
        yield str(rest.pop("reason"))
    if pool := rest.pop("pool", None):
        yield f"{pool['in_use']} of {pool['size']} used ({pool['utilisation']:.0%})"
        yield f"{pool['waiting']} waiting"
    if "backlog_clicks" in rest:
        yield from _spooled(rest)
    if "standing" in rest:
        yield rest.pop("standing")
    for queue, messages in rest.pop("queued_messages", {}).items():
        yield f"{messages} in {queue}"
    if "days_ahead" in rest:
        yield f"{rest.pop('days_ahead')} days ahead"
    for key, value in rest.items():
        yield f"{key.replace('_', ' ')} {value}"


def _spooled(rest: dict[str, Any]) -> Iterator[str]:
    del rest["backlog_bytes"]  # the share says as much
    yield f"{rest.pop('backlog_clicks'):,} clicks wait"
    yield f"{rest.pop('utilisation'):.0%} full"
    yield f"oldest {rest.pop('oldest_age_s'):.0f} s"
    if adopted := rest.pop("adopted_bytes"):
        yield f"{adopted:,} bytes of others"


def _milliseconds(latency: float) -> str:
    return f"{latency:.2f} ms" if latency < 10 else f"{latency:.0f} ms"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
