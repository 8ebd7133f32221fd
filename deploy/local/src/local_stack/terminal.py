"""All that the local stack prints: progress, tables, log lines. Plain lines where no one looks."""

import json
import re
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn, Protocol

from rich.console import Console
from rich.control import Control
from rich.markup import escape
from rich.segment import ControlType
from rich.table import Table

_ANSI = re.compile(r"\x1b?\[[0-9;]*m")
_NO_EDGE = 1000
_COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green")


class Report(Protocol):
    """Where work that takes a while says how far it is."""

    def say(self, text: str) -> None:
        """Show one line."""

    def progress(self, text: str) -> None:
        """Replace what is known about the step in hand."""


class SilentReport:
    """Says nothing; for tests and for use as a library."""

    __slots__ = ()

    def say(self, text: str) -> None:
        """Drop the line."""

    def progress(self, text: str) -> None:
        """Drop it."""


class _Output(Console):
    """Ends the command quietly when its reader has seen enough, as with `make logs | head`."""

    def on_broken_pipe(self) -> NoReturn:
        with suppress(SystemExit):
            super().on_broken_pipe()
        raise SystemExit(0)


class Terminal:
    """The screen of the person who typed the command, or the log of a machine that did."""

    __slots__ = ("_console", "_errors", "_last_progress")

    def __init__(self) -> None:
        # Where nobody looks there is no right edge either.
        width = None if sys.stdout.isatty() else _NO_EDGE
        self._console = _Output(highlight=False, soft_wrap=True, width=width)
        self._errors = Console(stderr=True, highlight=False, soft_wrap=True)
        self._last_progress = 0.0

    def say(self, text: str) -> None:
        """Show one line."""
        self._clear_progress()
        self._console.print(escape(text))

    def problem(self, text: str) -> None:
        """Show what went wrong, apart from what is output."""
        self._clear_progress()
        self._errors.print(f"[red]{escape(text)}[/]")

    def progress(self, text: str) -> None:
        """Show what is being done, in place on a terminal, else at most a line each 5 seconds."""
        if self._console.is_terminal:
            self._clear_progress()
            room = self._console.width - 1
            self._console.print(f"[dim]{escape(text[:room])}[/]", end="\r")
            return
        if time.monotonic() - self._last_progress >= 5:
            self._last_progress = time.monotonic()
            self._console.print(escape(text))

    def _clear_progress(self) -> None:
        if self._console.is_terminal:
            self._console.control(Control((ControlType.ERASE_IN_LINE, 2)))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show rows under their column names; only the last column is broken into lines."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        for place, column in enumerate(columns, 1):
            table.add_column(column, no_wrap=place < len(columns))
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        if self._console.is_terminal:
            self._console.print(table)
            return
        # The last column is filled up to its right edge, which a file or pipe has no use for.
        with self._console.capture() as captured:
            self._console.print(table)
        self.say("\n".join(line.rstrip() for line in captured.get().splitlines()))

    def log_line(self, program: str, line: str, place: int) -> None:
        """Show a line of a program's log behind the program's name."""
        colour = _COLOURS[place % len(_COLOURS)]
        self._console.print(f"[{colour}]{program:<13}[/] {escape(readable(line))}")


def readable(line: str) -> str:
    """Return a log line for people: JSON as sentence and values, colours of others taken out."""
    if line.startswith("{"):
        try:
            entry = json.loads(line)
        except ValueError:
            return line
        if isinstance(entry, dict):
            time_of_day = str(entry.pop("timestamp", ""))[11:19]
            level = str(entry.pop("level", "")).ljust(7)
            event = str(entry.pop("event", ""))
            rest = " ".join(f"{key}={value}" for key, value in entry.items())
            return " ".join(part for part in (time_of_day, level, event, rest) if part)
    return _ANSI.sub("", line)
