"""How long it takes from asking for the stack until a visitor is redirected."""

import asyncio
import time
from statistics import median

import httpx2

from local_stack.stack import Stack
from tests.bench.bench import Bench
from tests.bench.findings import Figure
from tests.support.link_author import create_links
from tests.support.stack import a_stack

START_GOAL_S, RESTART_GOAL_S = 15.0, 2.0

SETTLED_S = 5.0
"""Servers that have just started go on being busy with themselves for a while."""
VISITS = 4
"""Enough for both redirectors to have some."""


def time_starts(bench: Bench) -> list[Figure]:
    """Start a stack with nothing, then again and again with what there is by then."""
    stack = a_stack(bench.folder / "starts")
    try:
        first_s, code = _first_start(stack)
        starts_s, restarts_s = [], []
        with bench.screen.progress("starts and restarts", 2 * bench.options.rounds) as advance:
            for _ in range(bench.options.rounds):
                stack.stop()
                starts_s.append(_start(stack, code))
                advance(1)
            for _ in range(bench.options.rounds):
                time.sleep(SETTLED_S)
                restarts_s.append(_restart(stack, code))
                advance(1)
    finally:
        stack.stop()
    return [
        Figure(
            name="first start to first redirect",
            value=first_s,
            unit="s",
            goal=START_GOAL_S,
            note="Of all that is installed: makes the database, the schema and a link.",
        ),
        Figure(
            name="start to first redirect",
            value=median(starts_s),
            unit="s",
            goal=START_GOAL_S,
            rounds=[round(each, 2) for each in starts_s],
            note="As `make start` does it, with the data of the run before.",
        ),
        Figure(
            name="restart of a redirector until it is ready",
            value=median(restarts_s),
            unit="s",
            goal=RESTART_GOAL_S,
            rounds=[round(each, 2) for each in restarts_s],
            note="From asking it to stop, with clicks of the last moment to publish.",
        ),
    ]


def _first_start(stack: Stack) -> tuple[float, str]:
    began = time.monotonic()
    stack.start()
    (code,) = asyncio.run(create_links(stack, 1))
    _visit(stack, code)
    return time.monotonic() - began, code


def _start(stack: Stack, code: str) -> float:
    began = time.monotonic()
    stack.start()
    _visit(stack, code)
    return time.monotonic() - began


def _restart(stack: Stack, code: str) -> float:
    for _ in range(VISITS):
        _visit(stack, code)
    began = time.monotonic()
    stack.restart_program("redirector-1")
    stack.wait_ready("redirector-1")
    return time.monotonic() - began


def _visit(stack: Stack, code: str) -> None:
    answer = httpx2.get(f"{stack.urls.public_url}/{code}", timeout=10)
    if answer.status_code != httpx2.codes.FOUND:
        raise RuntimeError(f"the visit is answered {answer.status_code}")
