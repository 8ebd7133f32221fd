"""Asking the running stack's database, as a person with psql would."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

DEADLINE_S = 60

_FIELDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"
FAREWELL = b"E" + (len(_FIELDS) + 4).to_bytes(4) + _FIELDS
"""An ErrorResponse as PostgreSQL sends it, out of the blue, to everybody when it is stopped.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""


async def fetch(url: str, query: str, *arguments: Any) -> list[asyncpg.Record]:
    """Run one query on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(query, *arguments))
    finally:
        await connection.close()


async def stored_request_ids(url: str, request_ids: Iterable[str]) -> list[str]:
    """Return the request ids that have a click, as often as they have one."""
    rows = await fetch(
        url,
        "SELECT request_id FROM clicks WHERE request_id = ANY($1::text[])",
        list(request_ids),
    )
    return [row["request_id"] for row in rows]


async def wait_until_stored(url: str, request_ids: set[str]) -> list[str]:
    """Wait until every one has a click or the deadline has passed; return what is stored."""
    stored: list[str] = []
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not request_ids <= set(stored):
                await asyncio.sleep(0.2)
                stored = await stored_request_ids(url, request_ids)
    except TimeoutError:
        pass
    return stored


@asynccontextmanager
async def taking_no_writes(url: str) -> AsyncIterator[None]:
    """Send everybody away, and have whoever connects meanwhile be on a server that only reads.

    They stay so afterwards, while others may write: the address has moved on to the new primary,
    and who is connected to the former one, a standby now, hears nothing of that.
    """
    writing = {"default_transaction_read_only": "off"}
    connection = await asyncpg.connect(url, server_settings=writing)
    try:
        name = await connection.fetchval("SELECT quote_ident(current_database())")
        await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user"
            " AND pid <> pg_backend_pid()"
        )
        try:
            yield
        finally:
            await connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    finally:
        await connection.close()
