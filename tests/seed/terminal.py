"""What seeding prints: a bar on a terminal, plain lines elsewhere, and the rate at the end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_EACH_S = 5.0


class SeedTerminal:
    """The screen of the person who seeds, or the log of a machine that does."""

    __slots__ = ("_console",)

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Show one line."""
        self._console.print(text, markup=False)

    @contextmanager
    def progress(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show how far a step is while the block runs: it calls what it gets with new rows."""
        started = last_line = time.monotonic()
        rows = 0
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        task = bar.add_task(name, total=total, rate="")

        def advance(more: int) -> None:
            nonlocal rows, last_line
            rows += more
            now = time.monotonic()
            rate = f"{rows / max(now - started, 0.001):,.0f} a second"
            bar.update(task, completed=rows, rate=rate)
            if not self._console.is_terminal and now - last_line >= LINE_EACH_S:
                last_line = now
                self.say(f"{rows:,} of {total:,} {name}, {rate}")

        with bar:
            yield advance
        passed_s = max(time.monotonic() - started, 0.001)
        self.say(f"{rows:,} {name} in {passed_s:.1f} s: {rows / passed_s:,.0f} a second")
