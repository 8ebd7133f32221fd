"""`python -m tests.resilience.chaos`: faults at random, and not one click lost or counted twice.

Starts a stack of its own, hurts every part of it under steady traffic, and compares what visitors
were answered with what is stored. Exit status 0 only if everything agrees.
"""

import argparse
import asyncio
import logging
import random
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from local_stack.errors import StackError
from local_stack.stack import Stack
from tests.resilience.chaos.report import verdict_rows, write_report
from tests.resilience.chaos.run import Options, Run, chaos_stack, run_chaos
from tests.resilience.chaos.spool_disk import OWN_MOUNTS, SpoolDisk, enter_own_mounts
from tests.support.amounts import positive
from tests.support.run_terminal import RunTerminal

MAX_SEED = 9999
INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Do one run; return the exit status."""
    parsed = _parser().parse_args(arguments)
    seed = parsed.seed if parsed.seed is not None else random.randint(1, MAX_SEED)  # noqa: S311
    options = Options(seed, parsed.duration, parsed.rate)
    terminal = RunTerminal()
    # What the broker's client has to say of an outage is what the run is about.
    logging.getLogger("aiormq").addHandler(logging.NullHandler())
    terminal.say(
        f"seed {seed}: {options.duration_s:.0f} s at {options.per_second:.0f} visits a second"
    )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # while the stack starts and stops
    try:
        with chaos_stack(options) as (stack, disk):
            run = asyncio.run(_until_stopped(options, stack, disk, terminal))
    except (KeyboardInterrupt, asyncio.CancelledError):
        terminal.end()
        return INTERRUPTED
    except StackError as error:
        terminal.end()
        terminal.say(str(error))
        return 1
    terminal.end()
    page = write_report(run, Path(parsed.report) / f"seed-{seed}")
    terminal.table(
        [(name, f"{figure:,}", must) for name, figure, must in verdict_rows(run.verdict)]
    )
    for left_out in run.not_run:
        terminal.say(f"not run: {left_out}")
    for finding in run.verdict.findings:
        terminal.say(f"WRONG: {finding}")
    terminal.say(f"{'passed' if run.verdict.passed else 'FAILED'}; the report is {page}")
    return 0 if run.verdict.passed else 1


async def _until_stopped(
    options: Options, stack: Stack, disk: SpoolDisk, terminal: RunTerminal
) -> Run:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await run_chaos(options, stack, disk, terminal)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="of schedule and visitors; drawn if missing")
    parser.add_argument("--duration", type=positive, default=600, help="seconds of faults")
    parser.add_argument("--rate", type=positive, default=300, help="visits a second")
    parser.add_argument("--report", default="reports/chaos", help="folder for the report")
    parser.add_argument(OWN_MOUNTS, action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    enter_own_mounts(sys.argv[1:])
    sys.exit(main(sys.argv[1:]))
