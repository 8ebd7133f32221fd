"""`python -m tests.capacity`: the planner's forecast beside a real run on this machine.

Exit status 1 when CPU, memory or disk are off by more than a quarter, or a visit failed.
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from rich.console import Console
from rich.table import Table

from tests.bench.machine_speed import stack_slowness
from tests.capacity.measured import Measured, measure_run
from tests.capacity.verdict import WITHIN, Line, compare
from tests.support.amounts import positive
from tests.support.stack import started_stack

LINKS = 10_000


def main(arguments: Sequence[str]) -> int:
    """Measure and compare; return the exit status."""
    parser = argparse.ArgumentParser(prog="capacity-check", description=__doc__)
    parser.add_argument("--per-second", type=positive, default=1_000.0)
    parser.add_argument("--seconds", type=positive, default=60.0)
    options = parser.parse_args(arguments)
    logging.getLogger("aiormq").addHandler(logging.NullHandler())
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{options.per_second:g}/s for {options.seconds:g} s over {LINKS:,} links")
    measured = _measure(options.per_second, options.seconds)
    lines = compare(measured, per_second=options.per_second, links=LINKS)
    _print(lines, console)
    console.print(
        f"Work took {measured.slowness:.2f} times as long as where costs were measured; the"
        f" forecast of processor time is {stack_slowness(measured.slowness):.2f} times that of the"
        " planner."
    )
    for text in measured.wrong:
        console.print(f"visitors met: {text}", markup=False)
    return 0 if all(line.holds for line in lines) and not measured.wrong else 1


def _measure(per_second: float, seconds: float) -> Measured:
    with TemporaryDirectory(prefix="qck-capacity-") as name:
        folder = Path(name)
        with started_stack(folder / "stack") as stack:
            return asyncio.run(
                measure_run(stack, folder, per_second=per_second, lasts_s=seconds, links=LINKS)
            )


def _print(lines: Sequence[Line], console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("what", "forecast", "measured", "off by", ""):
        table.add_column(column, justify="left" if column in ("what", "") else "right")
    for line in lines:
        verdict = "" if not line.is_judged else "holds" if line.holds else "[red]does not hold[/]"
        table.add_row(
            line.name,
            f"{line.forecast:.3g} {line.unit}",
            f"{line.measured:.3g} {line.unit}",
            f"{line.off_by:+.0%}",
            verdict,
        )
    console.print(table)
    console.print(f"A forecast holds within {WITHIN:.0%}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
