"""Asking the kernel for short and long turns."""

import subprocess
import sys

import pytest

from shared.turns import LONG_S, SHORT_S, ask_for_turns

_NICE = """
import os
from shared.turns import SHORT_S, ask_for_turns
os.nice(5)
taken = ask_for_turns(SHORT_S)
print(taken, os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0))
"""


def _run(*command: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-P", *command], check=True, capture_output=True, text=True, timeout=30
    )
    return finished.stdout


def test_nothing_else_of_a_process_changes() -> None:
    """A process that asked keeps its priority and the ordinary policy."""
    assert _run("-c", _NICE).split()[1:] == ["5", "0"]


def test_a_command_is_run_as_it_is() -> None:
    """What asks on behalf of a command becomes that command, arguments and all."""
    said = _run(
        "-m", "local_stack.turns", str(LONG_S), sys.executable, "-c",
        "import sys; print(sys.argv[1:])", "--", "a b",
    )  # fmt: skip
    assert said.strip() == "['--', 'a b']"


@pytest.mark.parametrize("machine", ["riscv64", ""])
def test_an_unknown_machine_is_left_alone(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the number of the system call is not known, it is not called."""
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert ask_for_turns(SHORT_S) is False


def test_other_policies_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that somebody has put under another policy stays under it."""
    monkeypatch.setattr("os.sched_getscheduler", lambda _: 3)
    assert ask_for_turns(SHORT_S) is False
