"""How a change of a link reaches the cache, whatever happens between the two stores.

The change is noted in an outbox row in its own transaction. Right after the commit the cache is
written and the row deleted; where that fails, the row stays, and the relay does it. A write is
"set if newer", so applying a change twice, late or out of order does no harm.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from redis.exceptions import RedisError
from sqlalchemy import (
    BigInteger,
    Text,
    any_,
    bindparam,
    cast,
    column,
    delete,
    func,
    insert,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db.schema import link_outbox, links
from shared.link import Link, unknown_link
from shared.link_cache import LinkCache, LinkKey
from shared.metrics import ShortenerMetrics
from shortener.stored_link import SELECT_STORED, cached_link, stored_link
from shortener.transactions import DatabaseUnavailableError, read, write

WRITE_THROUGH_TIMEOUT_S = 0.2
"""What a change may cost its caller when Redis hangs."""

MIN_AGE_S = 0.3
"""The relay leaves younger rows to their own request, which is about to delete them."""

BATCH_SIZE = 500

CACHE_ERRORS = (RedisError, OSError, TimeoutError)

_CHANGES = (
    func.unnest(
        cast(bindparam("domains"), ARRAY(Text)),
        cast(bindparam("codes"), ARRAY(Text)),
        cast(bindparam("versions"), ARRAY(BigInteger)),
    )
    .table_valued("domain", "short_code", column("version", BigInteger))
    .render_derived(name="change")
)
_INSERT = (
    insert(link_outbox)
    .from_select(["domain", "short_code", "version"], select(*_CHANGES.c))
    .returning(link_outbox.c.id, link_outbox.c.version)
)
_DELETE = delete(link_outbox).where(
    link_outbox.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger)))
)
_AGE = func.extract("epoch", func.clock_timestamp() - func.min(link_outbox.c.created_at))
_BACKLOG = select(func.count(), func.coalesce(_AGE, 0)).select_from(link_outbox)
_OLDEST = (
    select(link_outbox)
    .where(link_outbox.c.created_at < func.now() - timedelta(seconds=MIN_AGE_S))
    .order_by(link_outbox.c.id)
    .limit(BATCH_SIZE)
    .with_for_update(skip_locked=True)  # past what another replica's relay holds
)


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One noted change."""

    id: int
    key: LinkKey
    version: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many changes the cache may lack, and the age of the oldest."""

    pending: int
    age_s: float


async def note_change(connection: AsyncConnection, key: LinkKey, version: int) -> OutboxEntry:
    """Note, in the transaction that makes the change, that the cache must learn of it."""
    return (await note_changes(connection, [(key, version)]))[0]


async def note_changes(
    connection: AsyncConnection, changes: Sequence[tuple[LinkKey, int]]
) -> list[OutboxEntry]:
    """Note many at once; the entries come in the order of the changes."""
    parameters = {
        "domains": [key[0] for key, _ in changes],
        "codes": [key[1] for key, _ in changes],
        "versions": [version for _, version in changes],
    }
    rows = await connection.execute(_INSERT, parameters)
    ids = {row.version: row.id for row in rows}  # no two changes have one version
    return [OutboxEntry(ids[version], key, version) for key, version in changes]


class LinkOutbox:
    """Applies noted changes to the cache, one from its request or many from the relay.

    While Redis is away a change does not wait for it: after a failure requests leave everything
    to the relay, until that gets through.
    """

    def __init__(
        self,
        *,
        engine: AsyncEngine,
        cache: LinkCache,
        cache_calls: asyncio.Semaphore,
        metrics: ShortenerMetrics,
    ) -> None:
        self._engine = engine
        self._reading_engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._cache = cache
        # As many as there are connections: a call beyond them would fail at once.
        self._calls = cache_calls
        self._metrics = metrics
        self._is_cache_away = False

    async def apply(self, *changes: tuple[OutboxEntry, Link]) -> None:
        """Bring committed changes to the cache in one round trip, or leave them to the relay."""
        if not changes or self._is_cache_away:
            return
        if not await self._set([(entry.key, link) for entry, link in changes]):
            return
        parameters = {"ids": [entry.id for entry, _ in changes]}
        try:
            await read(self._reading_engine, lambda on: on.execute(_DELETE, parameters))
        except DatabaseUnavailableError:
            return  # the relay applies it once more, which changes nothing

    async def backlog(self) -> Backlog:
        """Look what is left."""
        result = await read(self._reading_engine, lambda on: on.execute(_BACKLOG))
        pending, age_s = result.one()
        if not pending:
            self._is_cache_away = False  # another replica's relay got through
        return Backlog(pending, float(age_s))

    async def relay_batch(self) -> int | None:
        """Apply the oldest changes that are left; return how many, or None if Redis is away.

        Raises:
            DatabaseUnavailableError: PostgreSQL is away; the changes stay noted.
        """
        applied = await write(self._engine, self._relay_batch)
        self._is_cache_away = applied is None
        return applied

    async def _relay_batch(self, connection: AsyncConnection) -> int | None:
        rows = (await connection.execute(_OLDEST)).all()
        if not rows:
            return 0
        versions: dict[LinkKey, int] = {}
        for row in rows:
            key = (row.domain, row.short_code)
            versions[key] = max(row.version, versions.get(key, 0))
        current = await _read_current(connection, list(versions))
        entries = [
            # The row of the deletion itself comes as a change like any other, with its version.
            (key, current.get(key) or unknown_link(version))
            for key, version in versions.items()
        ]
        if not await self._set(entries):
            return None
        await connection.execute(_DELETE, {"ids": [row.id for row in rows]})
        return len(rows)

    async def _set(self, entries: Sequence[tuple[LinkKey, Link]]) -> bool:
        try:
            async with asyncio.timeout(WRITE_THROUGH_TIMEOUT_S), self._calls:
                await self._cache.set_if_newer(entries)
        except CACHE_ERRORS:
            self._is_cache_away = True
            self._metrics.cache_writes_failed.inc(len(entries))
            return False
        self._metrics.cache_writes_done.inc(len(entries))
        return True


async def _read_current(
    connection: AsyncConnection, keys: Sequence[LinkKey]
) -> dict[LinkKey, Link]:
    statement = SELECT_STORED.where(tuple_(links.c.domain, links.c.short_code).in_(keys))
    found = [stored_link(row) for row in await connection.execute(statement)]
    return {link.key: cached_link(link) for link in found}
