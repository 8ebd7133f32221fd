"""`python -m local_stack`: run, start, stop, look at the stack of this checkout."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from local_stack.commands import Commands
from local_stack.errors import StackError
from local_stack.home import PROJECT_ROOT
from local_stack.programs import EXTRAS
from local_stack.terminal import Terminal

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    options = _parser().parse_args(arguments)
    terminal = Terminal()
    # A closed terminal and a polite kill end a run as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    commands = Commands(
        home=Path(options.home),
        env_file=Path(options.env_file),
        example=PROJECT_ROOT / ".env.example",
        environ=os.environ,
        terminal=terminal,
    )
    try:
        return int(options.run(commands, options) or 0)
    except StackError as error:
        terminal.problem(str(error))
        return 1
    except OSError as error:
        # A disk that is full, a file of another user: nothing that a traceback would explain.
        terminal.problem(": ".join(filter(None, (error.filename, error.strerror or str(error)))))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="local_stack", description=__doc__)
    parser.add_argument("--home", default=str(PROJECT_ROOT / ".local"), help="its folder")
    parser.add_argument("--env-file", default=str(PROJECT_ROOT / ".env"), help="its settings")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, help: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help)

    run = add("run", "in the foreground, until Ctrl-C")
    run.set_defaults(run=lambda c, o: c.run(o.extras))
    start = add("start", "in the background")
    start.set_defaults(run=lambda c, o: c.start(o.extras))
    for starting in (run, start):
        starting.add_argument(
            "--with", dest="extras", nargs="+", default=(), choices=EXTRAS, help="what else to run"
        )
    add("stop", "stop it").set_defaults(run=lambda c, _: c.stop())
    add("status", "what runs where").set_defaults(run=lambda c, _: c.status())
    add("env", "make .env, or fill in its secrets").set_defaults(run=lambda c, _: c.env())
    add("install", "install missing servers").set_defaults(run=lambda c, _: c.install())
    add("migrate", "bring the schema up to date").set_defaults(run=lambda c, _: c.migrate())
    logs = add("logs", "follow the logs")
    logs.add_argument("programs", nargs="*")
    logs.set_defaults(run=lambda c, o: c.logs(o.programs))
    backup = add("backup", "write a backup")
    backup.add_argument("--to", default="", help="its folder; backups/<time> if missing")
    backup.set_defaults(run=lambda c, o: c.backup(o.to))
    restore = add("restore", "put a backup in place of the database")
    restore.add_argument("folder")
    restore.set_defaults(run=lambda c, o: c.restore(o.folder))
    psql = add("psql", "open the database")
    psql.add_argument("arguments", nargs=argparse.REMAINDER)
    psql.set_defaults(run=lambda c, o: c.psql(o.arguments))
    execute = add("exec", "run a command with a service's settings")
    execute.add_argument("program")
    execute.add_argument("command", nargs=argparse.REMAINDER)
    execute.set_defaults(run=lambda c, o: c.execute(o.program, o.command))
    return parser


if __name__ == "__main__":
    sys.exit(main())
