"""From short codes to their links: Redis for many at once, else PostgreSQL.

One living store is enough. An error of Redis is counted and treated as a miss; only a link that is
not cached while PostgreSQL is gone cannot be resolved.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from redirector.breaker import Breaker
from redirector.deadline import within
from redirector.joined_lookup import JoinedLookup
from shared.link import Link, unknown_link
from shared.metrics import RedirectorMetrics

LinkKey = tuple[str, str]
"""Domain ('' for the default domain) and short code."""

WRITE_BACK_MAX_AGE_S = 1.0
"""A row read longer ago is not written back: its newer version could have left the cache."""

LATE_TIMEOUT_S = 0.4
"""For Redis, once PostgreSQL has not answered either: nginx gives a replica 2 s in all."""


class ResolveError(Exception):
    """The link is not cached and PostgreSQL does not answer: nobody can tell what it is."""


class Cache(Protocol):
    """What resolving needs of Redis."""

    async def get_many(self, keys: Sequence[LinkKey]) -> list[Link | None]:
        """Look all keys up in one round trip."""

    async def set_if_newer(self, entries: Iterable[tuple[LinkKey, Link]]) -> int:
        """Store what is newer than what is there."""

    async def ping(self) -> object:
        """Raise unless Redis answers."""


class Store(Protocol):
    """What resolving needs of PostgreSQL."""

    async def find_many(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
        """Read the links that exist, in one statement."""

    async def ping(self) -> object:
        """Raise unless PostgreSQL answers."""


class Resolver:
    """Finds links: what is cached with `find_cached`, the rest with `find_stored`.

    Counts hits, misses, negative hits, errors and skipped lookups (breaker open), and the size and
    duration of each joined lookup, in `metrics`.
    """

    __slots__ = (
        "_cache",
        "_cache_breaker",
        "_cache_timeout_s",
        "_late",
        "_metrics",
        "_store",
        "_store_breaker",
        "_store_timeout_s",
        "_stored",
        "_tasks",
    )

    def __init__(
        self,
        *,
        cache: Cache,
        store: Store,
        metrics: RedirectorMetrics,
        tasks: asyncio.TaskGroup,
        cache_timeout_s: float,
        store_timeout_s: float,
        store_calls: int,
    ) -> None:
        self._cache = cache
        self._store = store
        self._metrics = metrics
        self._tasks = tasks
        self._cache_timeout_s = cache_timeout_s
        self._store_timeout_s = store_timeout_s
        self._cache_breaker = Breaker(
            self._probe_cache, tasks=tasks, on_change=metrics.breaker_open["redis"].set
        )
        self._store_breaker = Breaker(
            self._probe_store, tasks=tasks, on_change=metrics.breaker_open["postgres"].set
        )
        self._late = JoinedLookup(self._load_late, tasks=tasks, max_in_flight=1)
        self._stored = JoinedLookup(self._load_stored, tasks=tasks, max_in_flight=store_calls)

    async def find_cached(self, keys: Sequence[LinkKey]) -> Sequence[Link | None]:
        """Return what Redis has of each key, in one round trip; None for what it has not.

        Never fails: while Redis is away nothing is cached.
        """
        if self._cache_breaker.is_open:
            self._metrics.cache_skipped.inc(len(keys))
            return [None] * len(keys)
        return await self._load_cached(keys, self._cache_timeout_s)

    async def find_stored(self, key: LinkKey) -> Link:
        """Return a link that is not cached, or one that is not known.

        Raises:
            ResolveError: PostgreSQL does not answer.
        """
        try:
            if self._store_breaker.is_open:
                raise ResolveError
            return await self._stored.get(key)
        except ResolveError:
            # Redis may only have been late, or be back before its breaker knows: a machine that
            # stalls for longer than Redis's deadline must not cost a visitor a cached link.
            link = await self._late.get(key)
            if link is None:
                raise
            return link

    async def _load_late(self, keys: list[LinkKey]) -> list[Link | None]:
        return await self._load_cached(keys, LATE_TIMEOUT_S)

    async def _load_cached(self, keys: Sequence[LinkKey], timeout_s: float) -> list[Link | None]:
        metrics = self._metrics
        metrics.cache_batch_size.observe(len(keys))
        started = time.perf_counter()
        try:
            links = await within(timeout_s, self._cache.get_many(keys))
        except Exception:  # whatever Redis or its client does, visitors go on
            self._cache_breaker.failed()
            metrics.cache_errors.inc(len(keys))
            return [None] * len(keys)
        self._cache_breaker.succeeded()
        metrics.cache_duration.observe(time.perf_counter() - started)
        misses = links.count(None)
        negatives = sum(1 for link in links if link is not None and not link.is_known)
        metrics.cache_misses.inc(misses)
        metrics.cache_negative_hits.inc(negatives)
        metrics.cache_hits.inc(len(links) - misses - negatives)
        return links

    async def _load_stored(self, keys: list[LinkKey]) -> list[Link]:
        metrics = self._metrics
        metrics.database_batch_size.observe(len(keys))
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._store_timeout_s):
                found = await self._store.find_many(keys)
        except Exception as error:  # as above: the visitor gets "come again", not a traceback
            self._store_breaker.failed()
            metrics.database_errors.inc()
            raise ResolveError from error
        self._store_breaker.succeeded()
        metrics.database_duration.observe(time.perf_counter() - started)
        links = [found.get(key) or unknown_link() for key in keys]
        if not self._cache_breaker.is_open:
            self._tasks.create_task(
                self._write_back(list(zip(keys, links, strict=True)), read_at=started)
            )
        return links

    async def _write_back(self, entries: list[tuple[LinkKey, Link]], *, read_at: float) -> None:
        # No visitor waits for this, so a busy machine gets more time than for a lookup: a link
        # that stays out of the cache is a 503 once PostgreSQL is away.
        left_s = read_at + WRITE_BACK_MAX_AGE_S - time.perf_counter()
        try:
            async with asyncio.timeout(left_s):
                await self._cache.set_if_newer(entries)
        except Exception:  # the next miss tries again
            self._metrics.write_back_errors.inc(len(entries))

    async def _probe_cache(self) -> None:
        async with asyncio.timeout(self._cache_timeout_s):
            await self._cache.ping()

    async def _probe_store(self) -> None:
        async with asyncio.timeout(self._store_timeout_s):
            await self._store.ping()
