"""`make dashboards-check`: every panel's query against a real scrape, drawn as a page.

Brings up a stack with Prometheus, on free ports and in a temporary folder, has it visited and
called for a while, and exits with 1 if a query is refused or finds nothing.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from local_stack.programs import ALL
from tests.dashboards.panels import ask_all
from tests.dashboards.report import render
from tests.dashboards.traffic import traffic
from tests.support.amounts import some
from tests.support.prometheus import Prometheus
from tests.support.stack import started_stack

STEP_S = 1.0


async def check(seconds: int, report: Path) -> int:
    """Do it; return the exit status."""
    with (
        tempfile.TemporaryDirectory(prefix="qck-dashboards-") as home,
        # Fifteen times as fast: a scrape each second.
        started_stack(
            Path(home), programs=(*ALL, "prometheus"), environment={"PROMETHEUS_SPEED": "15"}
        ) as stack,
    ):
        first, last = await traffic(stack, seconds)
        async with Prometheus(stack.port("prometheus")) as prometheus:
            found = await ask_all(prometheus, first, last, STEP_S)
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(render(found))
    empty = [f"{dashboard.title}: {panel.title}" for dashboard, panel in found.empty()]
    print(f"{found.queries} queries answered, {len(empty)} panels empty; {report}")  # noqa: T201
    for name in empty:
        print(f"  {name}")  # noqa: T201
    return 1 if empty else 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="tests.dashboards", description=__doc__)
    parser.add_argument("--duration", type=some, default=60, help="seconds of traffic")
    parser.add_argument("--report", type=Path, default=Path("reports/dashboards.html"))
    options = parser.parse_args()
    return asyncio.run(check(options.duration, options.report))


if __name__ == "__main__":
    sys.exit(main())
