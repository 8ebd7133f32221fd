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
OK = {"status": "ok", "latency_ms": 1234.5}
HEALTH: Mapping[str, Mapping[str, Any]] = {
    "redirector-1": {
        "redis": {**OK, "pool": POOL, "breaker": "closed"},
        "spool": {
            **OK, "backlog_clicks": 1_234_567, "backlog_bytes": 750_000_000, "adopted_bytes": 0,
            "utilisation": 0.375, "oldest_age_s": 1234.567,
        },
    },
    "click-ingest": {
        "rabbitmq": {
            **OK, "standing": "consuming",
            "queued_messages": {"clicks": 1_234_567, "clicks.dead": 0},
        },
        "partitions": {**OK, "days_ahead": 14.6},
    },
}  # fmt: skip


class BusyStack:
    """Services that have been up for a day, with much to do."""

    def states(self) -> Mapping[str, ProgramState]:
        """Tell what supervisord would."""
        up_since = time.time() - 86_400
        return {name: ProgramState(name, "RUNNING", 4_194_303, up_since) for name in HEALTH}

    def port(self, program: str) -> int:
        """Return a port of five digits."""
        return 60_000

    def probe(self, program: str) -> str:
        """Say that something is missing."""
        return "degraded"

    def health(self, program: str) -> Mapping[str, Any]:
        """Return checks with all that they have."""
        return HEALTH[program]


def test_a_row_fits_into_80_characters_and_reads_as_a_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Neither a program nor what it depends on is broken into lines, or ends in blanks."""
    assert show_status(cast(Stack, BusyStack()), Terminal())
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 80 or line != line.rstrip()] == []
    assert lines[1].endswith("degraded, port 60000, pid 4194303, up 24:00:00")
    assert [line.partition(" ms  ")[2] for line in lines if " ms  " in line] == [
        "10 of 12 used (100%), 0 waiting, breaker closed",
        "1,234,567 clicks wait, 38% full, oldest 1235 s",
        "consuming, 1234567 in clicks, 0 in clicks.dead",
        "14.6 days ahead",
    ]
