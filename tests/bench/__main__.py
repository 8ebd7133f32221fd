"""`python -m tests.bench`: how fast qck is on this machine, beside what it is compared with.

Everything is brought up for the purpose, on free ports and in temporary folders. Exit status 1
when something broke or a click was lost; a goal that is missed is a figure and no failure.
"""

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import structlog

from local_stack.errors import StackError
from local_stack.terminal import Terminal
from tests.bench.bench import Options
from tests.bench.machine import describe_machine
from tests.bench.needed import ensure_needed
from tests.bench.outcome import Outcome, run_sections
from tests.bench.report import write_report
from tests.bench.rows import create_rows
from tests.bench.sections import SECTIONS
from tests.bench.terminal import BenchTerminal
from tests.support.amounts import positive, some

INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Measure; return the exit status."""
    parsed = _parser().parse_args(arguments)
    terminal = BenchTerminal()
    unknown = [name for name in parsed.only if name not in SECTIONS]
    if unknown:
        terminal.say(f"no such section: {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
        return 2
    # What clients have to say of an outage, or of a partition made, is not what a run is about.
    logging.getLogger("aiormq").addHandler(logging.NullHandler())
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    options = Options(
        rounds=parsed.rounds,
        round_s=parsed.round,
        sustained_s=parsed.sustained,
        sustained_per_second=parsed.per_second,
        scale=parsed.scale,
        seed=parsed.seed,
    )
    sections = {name: SECTIONS[name] for name in SECTIONS if name in (parsed.only or SECTIONS)}
    outcomes: list[Outcome] = []
    try:
        ensure_needed(Terminal())
        outcomes.extend(run_sections(sections, options, terminal))
    except KeyboardInterrupt:
        # No report: it would take the place of a whole one.
        terminal.table(create_rows(outcomes))
        terminal.say(f"interrupted after {len(outcomes)} of {len(sections)} sections; no report")
        return INTERRUPTED
    except StackError as error:
        terminal.say(str(error))
        return 1
    page = write_report(outcomes, options, describe_machine(), Path(parsed.report))
    terminal.table(create_rows(outcomes))
    terminal.say(f"the report is {page}")
    return 0 if all(outcome.is_sound for outcome in outcomes) else 1


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Stop as Ctrl-C does: in good order."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    options = Options()
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="SECTION", help=f"of {', '.join(SECTIONS)}"
    )
    parser.add_argument("--rounds", type=some, default=options.rounds, help="the median counts")
    parser.add_argument("--round", type=positive, default=options.round_s, help="seconds of each")
    parser.add_argument(
        "--sustained", type=positive, default=options.sustained_s, help="seconds of steady load"
    )
    parser.add_argument(
        "--per-second",
        type=positive,
        default=options.sustained_per_second,
        help="redirects, of steady load",
    )
    parser.add_argument("--scale", type=positive, default=options.scale, help="of loaded data")
    parser.add_argument("--seed", type=int, default=options.seed, help="of links and visitors")
    parser.add_argument("--report", default="bench", help="folder for the report")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
