"""`python -m tests.resilience.backlog`: what a long outage of the broker leaves, and its drain.

Starts a stack of its own, stops RabbitMQ, has redirectors leave millions of clicks in their
spools, and lets RabbitMQ come back under steady traffic. Exit status 0 only if every click is
stored once.
"""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence

from local_stack.errors import StackError
from local_stack.stack import Stack
from tests.resilience.backlog.figures import measured_rows, verdict_rows
from tests.resilience.backlog.record import Options, Run
from tests.resilience.backlog.run import backlog_stack, run_backlog
from tests.support.amounts import positive, some
from tests.support.run_terminal import RunTerminal

INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Do one run; return the exit status."""
    parsed = _parser().parse_args(arguments)
    options = Options(parsed.clicks, parsed.rate, parsed.calm)
    terminal = RunTerminal()
    # What the broker's client has to say of an outage is what the run is about.
    logging.getLogger("aiormq").addHandler(logging.NullHandler())
    terminal.say(
        f"{options.clicks:,} clicks in spools, {options.per_second:.0f} redirects a second"
    )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # while the stack starts and stops
    try:
        with backlog_stack() as stack:
            run = asyncio.run(_until_stopped(options, stack, terminal))
    except (KeyboardInterrupt, asyncio.CancelledError):
        terminal.end()
        return INTERRUPTED
    except StackError as error:
        terminal.end()
        terminal.say(str(error))
        return 1
    terminal.end()
    terminal.table([*verdict_rows(run), *measured_rows(run)])
    verdict = run.outcome.verdict
    for finding in [*verdict.findings, *verdict.failures]:
        terminal.say(f"WRONG: {finding}")
    terminal.say("passed" if verdict.passed else "FAILED")
    return 0 if verdict.passed else 1


async def _until_stopped(options: Options, stack: Stack, terminal: RunTerminal) -> Run:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await run_backlog(options, stack, terminal)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="backlog", description=__doc__)
    parser.add_argument("--clicks", type=some, default=5_000_000, help="clicks left in spools")
    parser.add_argument("--rate", type=positive, default=200, help="redirects a second meanwhile")
    parser.add_argument("--calm", type=positive, default=20, help="seconds to compare with")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
