"""PostgreSQL's own programs, run against the stack's database."""

import os
import subprocess
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from local_stack import binaries
from local_stack.errors import StackError


class DatabaseTools:
    """Runs psql, pg_dump and pg_restore; the password goes by their environment."""

    __slots__ = ("_environment", "_folder", "name")

    def __init__(self, database_url: str) -> None:
        address = urlsplit(database_url)
        folder = binaries.postgres_folder()
        if folder is None:
            raise StackError("PostgreSQL's programs are not installed")
        self._folder = folder
        self.name = address.path.lstrip("/")
        self._environment = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "PGHOST": str(address.hostname),
            "PGPORT": str(address.port),
            "PGUSER": str(address.username),
            "PGPASSWORD": unquote(str(address.password)),
        }

    def run(self, program: str, *arguments: str) -> str:
        """Run one to its end; return what it printed.

        Raises:
            StackError: it failed; with the end of what it said.
        """
        done = subprocess.run(
            self._command(program, arguments),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StackError(f"{program} failed:\n{done.stderr.strip()[-2000:]}")
        return done.stdout

    def query(self, database: str, *statements: str) -> str:
        """Run statements, each a transaction of its own; return the last one's only value.

        Raises:
            StackError: one of them failed.
        """
        words = [word for statement in statements for word in ("-c", statement)]
        options = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database)
        return self.run("psql", *options, *words).strip().rpartition("\n")[2]

    def session(self, database: str) -> "subprocess.Popen[str]":
        """Start a psql that takes statements from its standard input, until that is closed."""
        options = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database)
        return subprocess.Popen(
            self._command("psql", options),
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _command(self, program: str, arguments: Sequence[str]) -> list[str]:
        return [str(self._folder / program), *arguments]
