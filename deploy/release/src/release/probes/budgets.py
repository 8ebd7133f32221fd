"""Compares the fleet's connection budgets with what the servers admit. Runs with a shortener's."""

import asyncio
import os
import sys

import asyncpg
from redis.asyncio import Redis

DATABASE_DEFAULT = 20
REDIS_DEFAULT = 20
OTHERS = 5
"""What is kept free at each server: the migration, a backup, people who look."""


async def problems() -> list[str]:
    """Return what does not fit, in words."""
    found = []
    connection = await asyncpg.connect(_secret("DATABASE_URL"), timeout=10)
    try:
        admitted = await connection.fetchval(
            "SELECT current_setting('max_connections')::int"
            " - current_setting('superuser_reserved_connections')::int"
        )
    finally:
        await connection.close()
    budget = int(os.environ.get("DATABASE_MAX_CONNECTIONS") or DATABASE_DEFAULT)
    if budget + OTHERS > admitted:
        found.append(
            f"DATABASE_MAX_CONNECTIONS is {budget}: with {OTHERS} for others that is more than the"
            f" {admitted} connections that PostgreSQL admits"
        )
    async with Redis.from_url(_secret("REDIS_URL"), socket_timeout=10) as redis:
        clients = int((await redis.info("clients"))["maxclients"])
    budget = int(os.environ.get("REDIS_POOL_SIZE") or REDIS_DEFAULT)
    if budget + OTHERS > clients:
        found.append(
            f"REDIS_POOL_SIZE is {budget}: with {OTHERS} for others that is more than the"
            f" {clients} clients that Redis admits"
        )
    return found


def _secret(name: str) -> str:
    with open(os.environ[f"{name}_FILE"], encoding="utf-8") as file:
        return file.read().strip()


if __name__ == "__main__":
    try:
        found = asyncio.run(problems())
    except Exception as error:  # whatever keeps the servers from answering is the answer
        sys.exit(f"the servers cannot be asked for their limits: {error!r}")
    if found:
        sys.exit("\n".join(found))
