"""Migrations on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from shared.db.engine import create_engine
from shared.db.migrate import alembic_config, migrate
from shared.db.schema import metadata
from shared.settings import Secret


async def table_names(url: str) -> set[str]:
    """List the tables of a database."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname='public'")
    finally:
        await connection.close()
    return {row["tablename"] for row in rows}


async def test_from_empty_to_the_newest(empty_database_url: str) -> None:
    """An upgrade of an empty database really makes every table of the schema."""
    await migrate(Secret(empty_database_url))
    assert await table_names(empty_database_url) == {*metadata.tables, "alembic_version"}


async def test_migrated_and_declared_schema_are_one(database_url: str) -> None:
    """Autogenerate finds nothing to change between the migrations' result and the schema."""

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return list(compare_metadata(context, metadata))

    engine = create_engine(
        Secret(database_url), application_name="tests", pool_size=1, statement_timeout_s=10
    )
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_two_at_once_are_one_after_the_other(empty_database_url: str) -> None:
    """Concurrent upgrades of an empty database both succeed."""
    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(migrate(Secret(empty_database_url)))
    assert "links" in await table_names(empty_database_url)


async def test_down_and_up_again(empty_database_url: str) -> None:
    """Every migration can be undone and applied again."""

    def down(connection: Connection) -> None:
        command.downgrade(alembic_config(connection), "base")

    await migrate(Secret(empty_database_url))
    engine = create_engine(
        Secret(empty_database_url), application_name="tests", pool_size=1, statement_timeout_s=10
    )
    async with engine.connect() as connection:
        await connection.run_sync(down)
    await engine.dispose()
    assert await table_names(empty_database_url) == {"alembic_version"}
    await migrate(Secret(empty_database_url))
    assert "links" in await table_names(empty_database_url)


@asynccontextmanager
async def read_for_long(url: str) -> AsyncIterator[None]:
    """Have a table read for the block by one who stays in its transaction, as a backup does."""
    reader = await asyncpg.connect(url)
    try:
        async with reader.transaction():
            await reader.fetch("SELECT FROM links")
            yield
    finally:
        await reader.close()


async def test_a_table_in_use_is_asked_for_again(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration lets go of its place in the queue, and is done once the reader has left."""
    monkeypatch.setattr("shared.db.migrate.LOCK_TIMEOUT_S", 0.05)
    monkeypatch.setattr("shared.db.migrate.LOCK_PAUSE_S", 0.05)
    await migrate(Secret(empty_database_url), "0003")
    with capture_logs() as logs:
        async with (
            asyncio.timeout(30),
            asyncio.TaskGroup() as tasks,
            read_for_long(empty_database_url),
        ):
            tasks.create_task(migrate(Secret(empty_database_url)))
            while not logs:
                await asyncio.sleep(0.01)
    assert logs[0]["event"] == "migration_waits_for_a_lock"
    assert await table_names(empty_database_url) == {*metadata.tables, "alembic_version"}


async def test_a_table_that_stays_in_use_is_given_up(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What had no lock is undone, what came before it stays, and the reason is told."""
    monkeypatch.setattr("shared.db.migrate.LOCK_TIMEOUT_S", 0.05)
    monkeypatch.setattr("shared.db.migrate.LOCK_PATIENCE_S", 0)
    await migrate(Secret(empty_database_url), "0006")
    async with read_for_long(empty_database_url):
        with pytest.raises(DBAPIError, match="lock timeout"):
            await migrate(Secret(empty_database_url))
    connection = await asyncpg.connect(empty_database_url)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "0006"
    await connection.close()
    assert "audit_log" not in await table_names(empty_database_url)


async def test_a_server_that_is_away_is_waited_for_and_then_named() -> None:
    """Without a server the step fails with the reason, after waiting for it."""
    with pytest.raises(OSError, match="Connect"):
        await migrate(Secret("postgresql://qck:x@127.0.0.1:1/qck"), wait_s=0.3)


async def test_a_database_of_a_newer_release_is_left_as_it_is(empty_database_url: str) -> None:
    """An older release that is back after a rollback starts as it did before."""
    await migrate(Secret(empty_database_url), "0001")
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
        before = await table_names(empty_database_url)
        await migrate(Secret(empty_database_url))
        assert await connection.fetchval("SELECT version_num FROM alembic_version") == (
            "from-the-future"
        )
    finally:
        await connection.close()
    assert await table_names(empty_database_url) == before
