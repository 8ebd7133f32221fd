"""`python -m tests.load`: the sizing document's load on a running stack, a verdict per target.

Exit status 0 if every target that could be measured is met, 1 if one is missed, 2 if nothing
could be loaded.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from local_stack.home import PROJECT_ROOT
from tests.load.profiles import PROFILES
from tests.load.run import Options, run_load
from tests.load.target import TargetError, find_target
from tests.load.verdict import Goal, missed
from tests.support.amounts import positive, some
from tests.support.run_terminal import RunTerminal

MISSED, NOT_LOADED, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str]) -> int:
    """Do one run; return the exit status."""
    parsed = _parser().parse_args(arguments)
    duration_s = parsed.duration or PROFILES[parsed.profile].duration_s
    options = Options(
        profile=parsed.profile,
        duration_s=duration_s,
        links=parsed.links,
        report=Path(parsed.report),
    )
    terminal = RunTerminal()
    try:
        target = find_target(
            public_url=parsed.target,
            api_url=parsed.api,
            processes=parsed.processes.split(),
            home=Path(parsed.home),
        )
        goals = asyncio.run(_until_stopped(run_load(target, options, terminal)))
    except TargetError as error:
        terminal.say(str(error))
        return NOT_LOADED
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED
    words = {True: "", False: "MISSED  ", None: "not measured  "}
    terminal.table(
        [(f"{words[goal.is_met]}{goal.name}", goal.figure, goal.must) for goal in goals]
    )
    names = missed(goals)
    terminal.say(f"missed: {', '.join(names)}" if names else "every target is met")
    return MISSED if names else 0


async def _until_stopped(run: Coroutine[Any, Any, list[Goal]]) -> list[Goal]:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="load", description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default="peak")
    parser.add_argument("--duration", type=positive, help="seconds; the profile's own")
    parser.add_argument("--links", type=some, default=1000, help="made before it begins")
    parser.add_argument("--target", default="", help="public address; the local stack if missing")
    parser.add_argument("--api", default="", help="address of a target's API")
    parser.add_argument("--processes", default="", help="base addresses of a target's /metrics")
    parser.add_argument("--home", default=str(PROJECT_ROOT / ".local"), help="of the local stack")
    parser.add_argument("--report", default="reports/load", help="folder for the report")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
