"""Locks of things that are not there yet: of codes, of long URLs and of idempotency keys.

Whoever takes several kinds takes them in this order: idempotency key, long URLs, domains (rows),
codes, links (rows), tags (rows). Many of one kind are taken by one statement, sorted. So two
transactions that overlap wait for each other in one direction only and cannot deadlock.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Text, bindparam, cast, column, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.link_cache import LinkKey

_CODES, _LONG_URLS, _IDEMPOTENCY_KEYS = 0, 1, 2


def _lock_statement(seed: int) -> Any:
    name = func.unnest(cast(bindparam("names"), ARRAY(Text))).column_valued("name")
    # Sorted by what is locked: names could sort otherwise than their hashes.
    hashes = (
        select(func.hashtextextended(name, literal(seed)).label("hash"))
        .distinct()
        .order_by(column("hash"))
        .subquery()
    )
    return select(func.pg_advisory_xact_lock(hashes.c.hash))


_LOCK_CODES = _lock_statement(_CODES)
_LOCK_LONG_URLS = _lock_statement(_LONG_URLS)
_LOCK_IDEMPOTENCY_KEYS = _lock_statement(_IDEMPOTENCY_KEYS)


async def lock_codes(connection: AsyncConnection, keys: Iterable[LinkKey]) -> None:
    """Wait for creations and deletions of the codes, and make others wait for this one."""
    await connection.execute(_LOCK_CODES, {"names": [f"{key[0]}/{key[1]}" for key in keys]})


async def lock_long_urls(connection: AsyncConnection, hashes: Iterable[str]) -> None:
    """Wait for those who look for links with these long URLs, by the hashes in hexadecimal."""
    await connection.execute(_LOCK_LONG_URLS, {"names": list(hashes)})


async def lock_idempotency_key(connection: AsyncConnection, name: str) -> None:
    """Wait for the requests with this key that are being carried out."""
    await connection.execute(_LOCK_IDEMPOTENCY_KEYS, {"names": [name]})
