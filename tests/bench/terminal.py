"""What the benchmark prints: progress while it measures, then the table of goals and figures."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.bench.rows import Row
from tests.support.progress import progress

_COLOURS = {"met": "green", "missed": "yellow", "broken": "red"}


class BenchTerminal:
    """The screen of the person who measures, or the log of a machine that does."""

    __slots__ = ("_console",)

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Show one line."""
        self._console.print(text, markup=False)

    def progress(self, name: str, total: float) -> AbstractContextManager[Callable[[float], None]]:
        """Show how far a step is; the block calls what it gets with what was done since."""
        return progress(self._console, name, total)

    def table(self, rows: Sequence[Row]) -> None:
        """Show every figure beside its goal."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("section")
        table.add_column("what")
        for column in ("goal", "figure"):
            table.add_column(column, justify="right")
        table.add_column("verdict")
        for row in rows:
            colour = _COLOURS.get(row.verdict)
            verdict = f"[{colour}]{row.verdict}[/]" if colour else ""
            table.add_row(*map(escape, (row.section, row.name, row.goal, row.figure)), verdict)
        self._console.print(table)
