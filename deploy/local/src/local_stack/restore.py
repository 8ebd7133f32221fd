"""Bringing a backup back while visitors are served: beside the old database, then in its place.

Redirectors run on: cached links are served throughout, and clicks wait in the spools. The old
database is kept as `qck_before_restore` until the next restore, since clicks that were stored
after the backup are there and nowhere else.
"""

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from local_stack import binaries, migrations
from local_stack.backup import COUNTS, DUMP, MANIFEST, Counts
from local_stack.database_tools import DatabaseTools
from local_stack.errors import StackError
from local_stack.postgres import DATABASE
from local_stack.stack import Stack
from local_stack.terminal import Report

FORMER = "qck_before_restore"
DRAFT = "qck_restoring"
WRITERS = ("shortener", "click-ingest")

_SKIP_IDS = """
SELECT setval(pg_get_serial_sequence('links', 'id'),
    nextval(pg_get_serial_sequence('links', 'id')) + 1000000)
"""
"""Links since the backup had the ids that are next, and their clicks may be on their way still:
they must not count for links that are made from now on."""

_OTHERS = f"FROM pg_stat_activity WHERE datname = '{DATABASE}'"
LATE_WRITE_BACK_S = 1.5
"""A redirector may for 1 s write back a link that it has read from the old database."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What there is now, and what there was before."""

    now: Counts
    before: Counts


def restore_backup(stack: Stack, folder: Path, report: Report) -> Restored:
    """Put the backup in `folder` in place of the running stack's database.

    Raises:
        StackError: there is no backup, or not what it says; the database is as it was.
    """
    promised = _read_manifest(folder)
    tools = DatabaseTools(stack.urls.database_url)
    report.say(f"restoring {promised.links:,} links and {promised.clicks:,} clicks beside the old")
    tools.query(
        "postgres",
        f"DROP DATABASE IF EXISTS {DRAFT}",
        f"CREATE DATABASE {DRAFT} TEMPLATE template0",
    )
    tools.run(
        "pg_restore", "--exit-on-error", "--no-owner", "-d", DRAFT, str(folder / DUMP)
    )  # fmt: skip
    now = Counts.from_json(tools.query(DRAFT, COUNTS))
    if now != promised:
        raise StackError(f"the backup promises {promised}, and has {now}")
    tools.query(DRAFT, _SKIP_IDS)
    before = Counts.from_json(tools.query(tools.name, COUNTS))
    report.say("replacing the old one: the API is away, cached links are served")
    try:
        for name in WRITERS:
            stack.stop_program(name)
        replace_database(tools)
        migrations.migrate(stack.home, stack.service_environment("shortener"))
        # What is cached has versions that the restored links do not reach.
        _empty_cache(stack.urls.redis_url)
    finally:
        for name in WRITERS:
            stack.start_program(name)
    time.sleep(LATE_WRITE_BACK_S)
    _empty_cache(stack.urls.redis_url)
    for name in WRITERS:
        stack.wait_ready(name, 60)
    return Restored(now, before)


def _read_manifest(folder: Path) -> Counts:
    try:
        manifest: Mapping[str, int] = json.loads((folder / MANIFEST).read_text())
        return Counts(**{name: int(manifest[name]) for name in Counts.__annotations__})
    except (OSError, ValueError, KeyError) as error:
        raise StackError(f"{folder} has no backup: {error}") from None


def replace_database(tools: DatabaseTools) -> None:
    """Put the draft in place of the database, or leave all as it was; redirectors come back.

    Raises:
        StackError: it could not be done.
    """
    name = tools.name
    tools.query("postgres", f"DROP DATABASE IF EXISTS {FORMER}")
    try:
        tools.query("postgres", f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        tools.query("postgres", f"SELECT pg_terminate_backend(pid) {_OTHERS}")
        deadline = time.monotonic() + 10
        while tools.query("postgres", f"SELECT count(*) {_OTHERS}") != "0":
            if time.monotonic() > deadline:
                raise StackError(f"somebody does not let go of the database {name}")
            time.sleep(0.1)
        # One transaction: at no moment is there none of this name.
        tools.query(
            "postgres",
            f"ALTER DATABASE {name} RENAME TO {FORMER};"
            f" ALTER DATABASE {DRAFT} RENAME TO {name};"
            f" ALTER DATABASE {FORMER} ALLOW_CONNECTIONS true",
        )
    except BaseException:  # Ctrl-C, too, or nobody could open it any more
        tools.query("postgres", f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        raise


def _empty_cache(url: str) -> None:
    address = urlsplit(url)
    done = subprocess.run(
        [binaries.require("redis-cli"), "-h", str(address.hostname), "-p", str(address.port),
         "--no-auth-warning", "FLUSHALL"],
        env={"REDISCLI_AUTH": unquote(str(address.password))},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if "OK" not in done.stdout:
        raise StackError(
            "the backup is restored, but Redis was not emptied, and may go on showing links as"
            f" they were: {done.stdout.strip()} {done.stderr.strip()}"
        )
