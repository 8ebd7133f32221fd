"""Bring the database to the newest schema: `python -m shared.db.migrate [REVISION]`.

A step of its own, run before services start or are replaced, never by a service itself. Waits for
PostgreSQL to answer, and takes an advisory lock, so that two at once are one after the other. A
table that somebody holds, a backup for instance, is asked for again and again, each time for less
than a visitor waits: whoever comes meanwhile queues behind who asks.

A database that a newer release has migrated is left as it is: migrations only add, so an older
release that is back after a rollback works with it.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

import msgspec
import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import await_only

from shared.db.engine import create_engine
from shared.settings import DatabaseSettings, Secret, SettingsError, load

LOCK_TIMEOUT_S = 0.5
"""Half of what redirectors give a lookup by default."""
LOCK_PAUSE_S = 2.0
LOCK_PATIENCE_S = 60.0
LOCK_NOT_AVAILABLE = "55P03"
LOCK_POLL_S = 0.1
STATEMENT_TIMEOUT_S = 3600.0
ADVISORY_LOCK = 0x71636B  # "qck"

log = structlog.get_logger()


class MigrateSettings(msgspec.Struct, frozen=True):
    """What the migration step reads."""

    database: DatabaseSettings


def alembic_config(connection: Connection) -> Config:
    """Make Alembic's configuration without a file, working on `connection`."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


async def migrate(url: Secret, revision: str = "head", *, wait_s: float = 30.0) -> None:
    """Upgrade to `revision`, waiting up to `wait_s` for the server.

    Raises:
        sqlalchemy.exc.DBAPIError: a statement failed; what was begun is rolled back.
        OSError: the server did not answer in time.
    """
    engine = create_engine(
        url,
        application_name="qck-migrate",
        pool_size=1,
        statement_timeout_s=STATEMENT_TIMEOUT_S,
    )
    deadline = time.monotonic() + wait_s
    try:
        while True:
            try:
                async with engine.connect() as connection:
                    await connection.run_sync(_upgrade, revision)
                return
            except (OSError, DBAPIError) as error:
                if not _is_unreachable(error) or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)
    finally:
        await engine.dispose()


def _is_unreachable(error: OSError | DBAPIError) -> bool:
    if isinstance(error, OSError):
        return True
    # cannot_connect_now: the server is starting up; or the connection was lost.
    return error.connection_invalidated or _sqlstate(error) == "57P03"


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.driver_exception, "sqlstate", None)


def _upgrade(connection: Connection, revision: str) -> None:
    # The session lock, committed: left in an open transaction it would make Alembic's own
    # transaction a nested one that is never committed, and the upgrade a silent no-op. Asked for
    # again and again: who waits in a statement has a snapshot, which an index that is built
    # concurrently, by who holds the lock, waits for.
    while not connection.execute(text(f"SELECT pg_try_advisory_lock({ADVISORY_LOCK})")).scalar():
        connection.commit()
        await_only(asyncio.sleep(LOCK_POLL_S))
    config = alembic_config(connection)
    if newer := _unknown_revisions(config, connection):
        log.warning("database_is_newer", revisions=sorted(newer))
    connection.commit()
    if not newer:
        _upgrade_patiently(config, connection, revision)
    connection.execute(text(f"SELECT pg_advisory_unlock({ADVISORY_LOCK})"))
    connection.commit()


def _upgrade_patiently(config: Config, connection: Connection, revision: str) -> None:
    """Upgrade; what cannot have its locks is undone and begun again, what is done stays done."""
    give_up_at = time.monotonic() + LOCK_PATIENCE_S
    while True:
        connection.execute(text(f"SET lock_timeout = '{round(LOCK_TIMEOUT_S * 1000)}ms'"))
        connection.commit()
        try:
            return command.upgrade(config, revision)
        except DBAPIError as error:
            if _sqlstate(error) != LOCK_NOT_AVAILABLE or time.monotonic() > give_up_at:
                raise
            log.warning("migration_waits_for_a_lock", statement=error.statement)
        connection.rollback()
        await_only(asyncio.sleep(LOCK_PAUSE_S))


def _unknown_revisions(config: Config, connection: Connection) -> set[str]:
    """Return the database's revisions that this release does not have."""
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    return set(MigrationContext.configure(connection).get_current_heads()) - known


def main() -> None:
    """Run from the command line with the process's environment."""
    revision = sys.argv[1] if len(sys.argv) > 1 else "head"
    try:
        settings = load(MigrateSettings, os.environ)  # noqa: TID251 - an entry point
        asyncio.run(migrate(settings.database.url, revision))
    except (SettingsError, OSError, DBAPIError) as error:
        raise SystemExit(f"migrate: {error}") from None


if __name__ == "__main__":
    main()
