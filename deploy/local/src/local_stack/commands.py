"""What each command of the local stack does, from asking to the last line printed."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from local_stack import binaries, install, logs, migrations, processes
from local_stack.backup import take_backup
from local_stack.environment import ensure_env_file, misspelt, read_settings, setting_names
from local_stack.errors import AlreadyRunningError, StackError
from local_stack.home import PROJECT_ROOT, Home
from local_stack.programs import ALL, EXTRAS, choose
from local_stack.restore import FORMER, restore_backup
from local_stack.stack import Stack
from local_stack.status import show_status
from local_stack.summary import say_where
from local_stack.terminal import Terminal


class Commands:
    """The commands on the stack of one checkout; each returns the exit status."""

    __slots__ = ("_env_file", "_environ", "_example", "_home", "_terminal")

    def __init__(
        self,
        *,
        home: Path,
        env_file: Path,
        example: Path,
        environ: Mapping[str, str],
        terminal: Terminal,
    ) -> None:
        self._home = home
        self._env_file = env_file
        self._example = example
        self._environ = environ
        self._terminal = terminal

    def run(self, extras: Sequence[str] = ()) -> int:
        """Run the stack in the foreground until Ctrl-C; a second one does not wait."""
        stack = self._start(extras, tied_to_parent=True)
        if stack is None:
            return 0
        status = 0
        try:
            say_where(stack, self._terminal)
            self._terminal.say("Ctrl-C stops everything. Below: what the programs log.\n")
            supervisor = stack.supervisor_pid()
            logs.follow(
                stack.home,
                stack.programs,
                show=self._terminal.log_line,
                go_on=lambda: processes.is_alive(supervisor),
            )
            if stack.was_killed():
                self._terminal.problem("supervisord was killed, and all programs with it")
                status = 1
        except KeyboardInterrupt:
            self._terminal.say("\nstopping; Ctrl-C again stops at once")
        finally:
            # Also when supervisord was killed, `make stop` was faster, or a pipe was closed.
            self._stop(stack)
        return status

    def start(self, extras: Sequence[str] = ()) -> int:
        """Start the stack in the background."""
        stack = self._start(extras, tied_to_parent=False)
        if stack is not None:
            say_where(stack, self._terminal)
            self._terminal.say("It runs in the background: make status, make logs, make stop.")
        return 0

    def stop(self) -> int:
        """Stop the stack, or what a killed one has left behind."""
        stack = Stack.running_in(self._home, report=self._terminal)
        if stack is not None:
            self._stop(stack)
        elif left := processes.remnants(self._home.resolve()):
            processes.end(left, within_s=10)
            self._terminal.say("The stack was not running; stopped what it had left behind.")
        else:
            self._terminal.say("The stack is not running.")
        return 0

    def status(self) -> int:
        """Show what runs where; the exit status tells whether all of it is well."""
        stack = Stack.running_in(self._home)
        if stack is None:
            self._terminal.say("The stack is not running: make start, or make run.")
            return 1
        all_well = show_status(stack, self._terminal)
        self._terminal.say(f"\npublic  {stack.urls.public_url}\nAPI     {stack.urls.api_url}")
        return 0 if all_well else 1

    def logs(self, names: Sequence[str]) -> int:
        """Show the end of the logs and what comes, until Ctrl-C or the end of the stack."""
        stack = self._running()
        supervisor = stack.supervisor_pid()
        with suppress(KeyboardInterrupt):
            logs.follow(
                stack.home,
                choose(names) if names else stack.programs,
                show=self._terminal.log_line,
                go_on=lambda: processes.is_alive(supervisor),
                last_lines=100 if names else 10,
            )
        return 0

    def env(self) -> int:
        """Make .env with fresh secrets, or fill in those that it lacks."""
        made = ensure_env_file(self._env_file, self._example)
        self._terminal.say(f"{self._env_file} {'is made' if made else 'is complete'}")
        return 0

    def install(self) -> int:
        """Install the servers that are missing, also those that only tests need."""
        install.ensure_installed((*ALL, *EXTRAS), self._terminal)
        return 0

    def migrate(self) -> int:
        """Bring the running stack's database to the newest schema."""
        stack = self._running()
        migrations.migrate(stack.home, stack.service_environment("shortener"))
        self._terminal.say("The database has the newest schema.")
        return 0

    def backup(self, to: str) -> int:
        """Write a backup of the running stack, into backups/<time> unless told where."""
        stamp = datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
        folder = Path(to) if to else PROJECT_ROOT / "backups" / stamp
        counts = take_backup(self._running(), folder, self._env_file)
        self._terminal.say(f"{folder} has {counts.links:,} links and {counts.clicks:,} clicks.")
        return 0

    def restore(self, folder: str) -> int:
        """Put a backup in place of the running stack's database."""
        done = restore_backup(self._running(), Path(folder), self._terminal)
        self._terminal.say(
            f"Restored {done.now.links:,} links and {done.now.clicks:,} clicks. Before, there were"
            f" {done.before.links:,} and {done.before.clicks:,}: that database is kept as"
            f" {FORMER}. Look next: make reconcile, make ledger."
        )
        return 0

    def psql(self, arguments: Sequence[str]) -> NoReturn:
        """Become psql on the stack's database."""
        address = urlsplit(self._running().urls.database_url)
        folder = binaries.postgres_folder()
        if folder is None:
            raise StackError("psql is not installed")
        environment = {
            **self._environ,
            "PGHOST": str(address.hostname),
            "PGPORT": str(address.port),
            "PGUSER": str(address.username),
            "PGPASSWORD": unquote(str(address.password)),
            "PGDATABASE": address.path.lstrip("/"),
        }
        os.execve(folder / "psql", ["psql", *_words(arguments)], environment)

    def execute(self, program: str, command: Sequence[str]) -> NoReturn:
        """Become a command that has the settings of one of the programs."""
        stack = self._running()
        environment = {**self._environ, **stack.service_environment(*choose([program])[-1:])}
        # `python` is the one that the services run with.
        folders = (str(Path(sys.executable).parent), binaries.SEARCH_PATH)
        environment["PATH"] = ":".join((*folders, self._environ.get("PATH", "")))
        words = _words(command)
        if not words:
            raise StackError("exec wants a command: exec shortener -- python -m ...")
        try:
            os.execvpe(words[0], words, environment)
        except FileNotFoundError:
            raise StackError(f"{words[0]}: no such command") from None

    def _start(self, extras: Sequence[str], *, tied_to_parent: bool) -> Stack | None:
        """Return the stack that this has started; None if it runs already, which it then says."""
        # What somebody else is starting is not there before it is ready.
        Home(self._home).wait_for_start(self._terminal)
        if self._say_if_running():
            return None
        if ensure_env_file(self._env_file, self._example):
            self._terminal.say(f"made {self._env_file} with fresh secrets")
        names = setting_names(self._example)
        settings = read_settings(self._env_file, self._environ, names)
        for problem in misspelt(settings.values, names):
            self._terminal.problem(problem)
        programs = (*ALL, *extras)
        install.ensure_installed(programs, self._terminal)
        stack = Stack(
            home=self._home,
            public_port=settings.public_port,
            api_port=settings.api_port,
            environment=settings.values,
            programs=programs,
            report=self._terminal,
            tied_to_parent=tied_to_parent,
        )
        self._terminal.say(f"starting {len(stack.programs)} programs in {stack.home.path}")
        try:
            stack.start()
        except AlreadyRunningError:
            if not self._say_if_running():
                raise
            return None
        except KeyboardInterrupt:
            self._terminal.say("\nstopped")
            raise
        return stack

    def _stop(self, stack: Stack) -> None:
        try:
            stack.stop()
        except KeyboardInterrupt:
            stack.kill_all()
        self._terminal.say("The stack has stopped.")

    def _running(self) -> Stack:
        stack = Stack.running_in(self._home)
        if stack is None:
            raise StackError("The stack is not running: make start, or make run.")
        return stack

    def _say_if_running(self) -> bool:
        stack = Stack.running_in(self._home)
        if stack is None:
            return False
        self._terminal.say(
            f"The stack is already running, since {stack.started_at}: make logs follows it,"
            " make stop stops it.\n"
        )
        say_where(stack, self._terminal)
        return True


def _words(arguments: Sequence[str]) -> list[str]:
    """Return a command's words without the "--" that sets them apart."""
    return list(arguments[1:] if arguments[:1] == ["--"] else arguments)
