"""The number of links, kept by the database itself: always that of the rows."""

import asyncio

import asyncpg
from alembic import command
from sqlalchemy import Connection

from shared.db.engine import create_engine
from shared.db.migrate import alembic_config, migrate
from shared.settings import Secret
from tests.support.database import fetch

CREATE = (
    "INSERT INTO links (short_code, long_url, long_url_hash)"
    " SELECT $1 || n, 'https://example.org/', '' FROM generate_series(1, $2::int) AS n"
    " ON CONFLICT DO NOTHING"
)
COUNTED = "SELECT sum(links)::int AS counted, (SELECT count(*) FROM links)::int AS rows"


async def counted(url: str) -> int:
    """Return the number of links that is kept, which must be that of the rows."""
    ((number, rows),) = await fetch(url, f"{COUNTED} FROM link_counts")
    assert number == rows
    return int(number)


async def test_what_is_created_deleted_and_truncated_is_counted(database_url: str) -> None:
    """One row or many, repeats left out, and nothing of a transaction that is undone."""
    await fetch(database_url, CREATE, "a", 1000)
    await fetch(database_url, CREATE, "a", 1001)
    assert await counted(database_url) == 1001
    await fetch(database_url, "DELETE FROM links WHERE length(short_code) < 4")
    assert await counted(database_url) == 902
    connection = await asyncpg.connect(database_url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(CREATE, "undone", 5)
    await transaction.rollback()
    await connection.close()
    assert await counted(database_url) == 902
    await fetch(database_url, "TRUNCATE links CASCADE")
    assert await counted(database_url) == 0


async def test_those_who_create_at_once_are_all_counted(database_url: str) -> None:
    """Twenty connections create and delete at once: the number is that of the rows."""

    async def change(name: str) -> None:
        connection = await asyncpg.connect(database_url)
        for number in range(20):
            await connection.execute(CREATE, f"{name}-{number}-", 3)
            await connection.execute("DELETE FROM links WHERE short_code = $1", f"{name}-0-1")
        await connection.close()

    async with asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(change(f"c{number}"))
    assert await counted(database_url) == 20 * (20 * 3 - 1)


async def test_links_of_an_older_release_are_counted_by_the_upgrade(
    empty_database_url: str,
) -> None:
    """What was there before there were counts is in them afterwards."""

    def to_the_former(connection: Connection) -> None:
        command.upgrade(alembic_config(connection), "0002")

    engine = create_engine(
        Secret(empty_database_url), application_name="tests", pool_size=1, statement_timeout_s=10
    )
    async with engine.begin() as connection:
        await connection.run_sync(to_the_former)
    await engine.dispose()
    await fetch(empty_database_url, CREATE, "old", 50)
    await migrate(Secret(empty_database_url))
    await fetch(empty_database_url, CREATE, "new", 7)
    assert await counted(empty_database_url) == 57
