"""What a deploy prints: each step with the time it took, and what went wrong."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Report(Protocol):
    """Where the steps are told."""

    def say(self, text: str) -> None:
        """Tell one thing."""

    def problem(self, text: str) -> None:
        """Tell what went wrong."""


class Terminal:
    """Lines with the seconds since the start, problems apart from them."""

    __slots__ = ("_started",)

    def __init__(self) -> None:
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        """Print a line."""
        self._print(text, is_problem=False)

    def problem(self, text: str) -> None:
        """Print a line where problems go."""
        self._print(text, is_problem=True)

    def _print(self, text: str, *, is_problem: bool) -> None:
        passed_s = time.monotonic() - self._started
        stream = sys.stderr if is_problem else sys.stdout
        for number, line in enumerate(text.splitlines() or [""]):
            margin = f"{passed_s:7.1f} s" if number == 0 else " " * 9
            stream.write(f"{margin}  {line}\n")
        stream.flush()


@contextmanager
def step(report: Report, text: str) -> Iterator[None]:
    """Tell that something begins, and how long it took when it is done."""
    report.say(f"{text} ...")
    started = time.monotonic()
    yield
    report.say(f"{text}: done in {time.monotonic() - started:.1f} s")
