"""`python -m release`: deploy this checkout to a Docker host, go back, look what was deployed."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from release.docker import Docker
from release.errors import ReleaseError
from release.operations import Operations
from release.terminal import Terminal

INTERRUPTED = 130
PROJECT_ROOT = Path(__file__).resolve().parents[4]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    options = _parser().parse_args(arguments)
    terminal = Terminal()
    # A closed terminal and a polite kill end a deploy as Ctrl-C does.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    operations = Operations(
        docker=Docker(project=options.project, environment=os.environ),
        root=Path(options.root).resolve(),
        report=terminal,
    )
    try:
        options.run(operations, options)
    except ReleaseError as error:
        terminal.problem(str(error))
        return 1
    except KeyboardInterrupt:
        terminal.problem("interrupted")
        return INTERRUPTED
    return 0


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="release", description=__doc__)
    parser.add_argument("--root", default=str(PROJECT_ROOT), help="the checkout")
    parser.add_argument("--project", default="qck", help="what Compose calls the stack")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    deploy = commands.add_parser("deploy", help="bring this checkout in")
    deploy.add_argument("--force", action="store_true", help="replace what is the same, too")
    deploy.add_argument("name", nargs="?", default="")
    deploy.set_defaults(run=lambda o, a: o.deploy(a.name, is_forced=a.force))
    rollback = commands.add_parser("rollback", help="bring a former release back")
    rollback.add_argument("name", nargs="?", default="")
    rollback.set_defaults(run=lambda o, a: o.roll_back(a.name))
    releases = commands.add_parser("releases", help="list what was deployed")
    releases.set_defaults(run=lambda o, _: o.releases())
    store = commands.add_parser(
        "store", help="restart a store as the serving release describes it"
    )
    store.add_argument("service")
    store.set_defaults(run=lambda o, a: o.restart_store(a.service))
    return parser


if __name__ == "__main__":
    sys.exit(main())
