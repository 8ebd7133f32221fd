"""How far a step is: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_EACH_S = 5.0


@contextmanager
def progress(console: Console, name: str, total: float) -> Iterator[Callable[[float], None]]:
    """Show how much of `total` is done while the block runs: it calls what it gets with more."""
    started = last_line = time.monotonic()
    done = 0.0
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task(name, total=total, rate="")

    def advance(more: float) -> None:
        nonlocal done, last_line
        done += more
        now = time.monotonic()
        rate = _rate(done, now - started)
        bar.update(task, completed=done, rate=rate.removeprefix(", "))
        if not console.is_terminal and now - last_line >= LINE_EACH_S:
            last_line = now
            console.print(f"{done:,.0f} of {total:,.0f} {name}{rate}", markup=False)

    with bar:
        yield advance
    passed_s = time.monotonic() - started
    rate = _rate(done, passed_s)
    console.print(f"{done:,.0f} {name} in {passed_s:.1f} s{rate}", markup=False)


def _rate(done: float, passed_s: float) -> str:
    """Tell how fast it goes, unless that is less than one a second."""
    rate = done / max(passed_s, 0.001)
    return f", {rate:,.0f} a second" if rate >= 1 else ""
