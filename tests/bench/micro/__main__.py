"""`python -m tests.bench.micro`: the hot functions, timed, and compared with the stored baseline.

Exit status 1 if one of them, measured twice, takes more than the threshold allows.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.micro.baseline import PYTHON, read_baseline, write_baseline
from tests.bench.micro.case import Case
from tests.bench.micro.catalogue import all_cases
from tests.bench.micro.comparison import compare
from tests.bench.micro.reference import reference
from tests.bench.micro.rounds import Times, measure
from tests.bench.micro.terminal import MicroTerminal

INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Measure; return the exit status."""
    options = _parser().parse_args(arguments)
    terminal = MicroTerminal()
    times: dict[str, Times] = {}
    baseline = {} if options.baseline else read_baseline()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-micro-")))
        chosen = [case for case in all_cases(folder, stack) if options.only in case.name]
        beside = stack.enter_context(reference(folder))

        def run(cases: Sequence[Case], rounds: int) -> None:
            with terminal.progress(len(cases) * rounds) as progress:
                measure(cases, beside, rounds=rounds, times=times, progress=progress)

        try:
            run(chosen, options.rounds)
            # A neighbour on the machine, or us? A slower function is slower the second time too.
            slow = {x.name for x in compare(times, baseline) if x.is_slower(options.threshold)}
            if slow:
                terminal.say(f"measuring again, for longer: {', '.join(sorted(slow))}")
                run([case for case in chosen if case.name in slow], 3 * options.rounds)
        except KeyboardInterrupt:
            return INTERRUPTED
    comparisons = compare(times, baseline)
    terminal.table(comparisons, options.threshold)
    if options.baseline:
        write_baseline(times, keep=bool(options.only))
        terminal.say(f"this is the baseline of Python {PYTHON} from here on")
    elif not baseline:
        terminal.say(f"there is no baseline of Python {PYTHON}: make bench-micro BASELINE=1")
    return 1 if any(each.is_slower(options.threshold) for each in comparisons) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench-micro", description=__doc__)
    parser.add_argument("--baseline", action="store_true", help="store what is measured")
    parser.add_argument("--threshold", type=float, default=1.25, help="ratio that is too slow")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--only", default="", metavar="TEXT", help="cases with this in the name")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
