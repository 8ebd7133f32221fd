"""What `make status` prints."""

import time
from collections.abc import Mapping
from typing import Any, cast

import pytest

from local_stack.stack import Stack
from local_stack.status import show_status
from local_stack.supervision import ProgramState
from local_stack.terminal import Terminal

POOL = {"in_use": 10, "size": 12, "utilisation": 1.0, "waiting": 0}


class OneRedirector:
    """A stack of a redirector that has been up for a day and whose pools are busy."""

    def states(self) -> Mapping[str, ProgramState]:
        """Tell what supervisord would."""
        state = ProgramState("redirector-1", "RUNNING", 4_194_303, time.time() - 86_400)
        return {state.name: state}

    def port(self, program: str) -> int:
        """Return a port of five digits."""
        return 60_000

    def probe(self, program: str) -> str:
        """Say that something is missing."""
        return "degraded"

    def health(self, program: str) -> Mapping[str, Any]:
        """Return a check with all that checks of stores have."""
        return {"redis": {"status": "ok", "latency_ms": 1234.5, "pool": POOL, "breaker": "closed"}}


def test_a_row_fits_into_80_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a program nor a store with its pool and breaker is broken into lines."""
    assert show_status(cast(Stack, OneRedirector()), Terminal())
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if len(line) > 80] == []
    assert lines[1].endswith("degraded, port 60000, pid 4194303, up 24:00:00")
    assert lines[2].endswith("1234 ms  10 of 12 used (100%), 0 waiting, breaker closed")
