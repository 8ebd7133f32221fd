"""The database's schema, brought up to date as a step of its own before services start."""

import subprocess
import sys
from collections.abc import Mapping

from local_stack.errors import StackError
from local_stack.home import Home


def migrate(home: Home, environment: Mapping[str, str]) -> None:
    """Bring the schema to its newest version.

    Raises:
        StackError: it failed; with the end of what it said.
    """
    log = home.log("migrations")
    with log.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "shared.db.migrate"],
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **environment},
            cwd=home.path,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        last = "".join(f"\n  | {line}" for line in log.read_text().splitlines()[-15:])
        raise StackError(f"the database could not be migrated; the end of {log}:{last}")
