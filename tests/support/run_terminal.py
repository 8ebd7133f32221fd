"""What a long run prints: a bar on a terminal, plain lines elsewhere, and the verdict."""

import time

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

LINE_EACH_S = 10.0


class RunTerminal:
    """The screen of the person who started the run, or the log of a machine that did."""

    __slots__ = ("_bar", "_console", "_last_line", "_started", "_task", "_total")

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("")
        self._started = time.monotonic()
        self._last_line = 0.0
        self._total = 0.0

    def begin(self, total: float) -> None:
        """Start the clock of a run that is done at `total`, seconds or whatever else."""
        self._started = time.monotonic()
        self._total = total
        if self._console.is_terminal:
            self._bar.update(self._task, total=total)
            self._bar.start()

    def say(self, text: str) -> None:
        """Show one line, with the time since `begin`."""
        stamp = f"{time.monotonic() - self._started:6.1f} s" if self._total else " " * 8
        self._console.print(f"[dim]{stamp}[/]  {escape(text)}")

    def progress(self, text: str, done: float | None = None) -> None:
        """Show how it stands: in the bar, or as a line every 10 seconds.

        `done` is of `total`; the seconds since `begin` unless given.
        """
        passed_s = time.monotonic() - self._started
        if self._console.is_terminal:
            done = min(passed_s if done is None else done, self._total)
            self._bar.update(self._task, completed=done, description=escape(text))
        elif passed_s - self._last_line >= LINE_EACH_S:
            self._last_line = passed_s
            self.say(text)

    def end(self) -> None:
        """Take the bar away."""
        self._bar.stop()

    def table(self, rows: list[tuple[str, str, str]]) -> None:
        """Show the verdict."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("verdict")
        table.add_column("figure", justify="right")
        table.add_column("must be", justify="right")
        for row in rows:
            table.add_row(*map(escape, row))
        self._console.print(table)
