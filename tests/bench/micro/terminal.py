"""What the micro-benchmark prints: a bar while it measures, then the table."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.bench.micro.comparison import Comparison

LINE_EACH_S = 5.0


class MicroTerminal:
    """The screen of the person who measures, or the log of a machine that does."""

    __slots__ = ("_console",)

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Show one line."""
        self._console.print(text, markup=False)

    @contextmanager
    def progress(self, total: int) -> Iterator[Callable[[str], None]]:
        """Show how far it is; the block tells the name of each of `total` measurements."""
        bar = Progress(
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        task = bar.add_task("", total=total)
        done, last_line = 0, time.monotonic()

        def advance(name: str) -> None:
            nonlocal done, last_line
            bar.update(task, completed=done, description=name)
            if not self._console.is_terminal and time.monotonic() - last_line >= LINE_EACH_S:
                last_line = time.monotonic()
                self.say(f"{done} of {total} measurements")
            done += 1

        with bar:
            yield advance

    def table(self, comparisons: Sequence[Comparison], threshold: float) -> None:
        """Show every case, and mark what is too slow."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("case")
        for column in ("min µs", "median µs", "to baseline"):
            table.add_column(column, justify="right")
        table.add_column("")
        for each in comparisons:
            table.add_row(
                each.name,
                f"{each.min_us:.2f}",
                f"{each.median_us:.2f}",
                "new" if each.ratio is None else f"{each.ratio:.2f}",
                f"SLOWER than {threshold:.2f}" if each.is_slower(threshold) else "",
                style="red" if each.is_slower(threshold) else None,
            )
        self._console.print(table)
