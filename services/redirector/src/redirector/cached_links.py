"""Links that are in Redis: many at once, within a deadline, and not while Redis is away."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from redirector.breaker import Breaker
from redirector.deadline import within
from redirector.joined_lookup import JoinedLookup
from shared.link import Link
from shared.link_cache import LinkKey
from shared.metrics import RedirectorMetrics

WRITE_BACK_MAX_AGE_S = 1.0
"""A row read longer ago is not written back: its newer version could have left the cache."""

LATE_TIMEOUT_S = 0.4
"""For Redis, once PostgreSQL has not answered either: nginx gives a replica 2 s in all."""


class Cache(Protocol):
    """What is needed of Redis."""

    async def get_many(self, keys: Sequence[LinkKey]) -> list[Link | None]:
        """Look all keys up in one round trip."""

    async def set_if_newer(self, entries: Iterable[tuple[LinkKey, Link]]) -> int:
        """Store what is newer than what is there."""

    async def ping(self) -> object:
        """Raise unless Redis answers."""


class CachedLinks:
    """Finds links in Redis, and never fails: while Redis is away nothing is cached.

    Counts hits, misses, negative hits, errors and skipped lookups (breaker open), and the size and
    duration of each lookup, in `metrics`.
    """

    __slots__ = ("_breaker", "_cache", "_late", "_metrics", "_timeout_s")

    def __init__(
        self,
        cache: Cache,
        *,
        timeout_s: float,
        metrics: RedirectorMetrics,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._cache = cache
        self._timeout_s = timeout_s
        self._metrics = metrics
        self._breaker = Breaker(
            self._probe, tasks=tasks, on_change=metrics.breaker_open["redis"].set
        )
        self._late = JoinedLookup(self._load_late, tasks=tasks, max_in_flight=1)

    @property
    def is_given_up(self) -> bool:
        """Whether Redis is only probed at the moment."""
        return self._breaker.is_open

    async def find(self, keys: Sequence[LinkKey]) -> Sequence[Link | None]:
        """Return what Redis has of each key, in one round trip; None for what it has not."""
        if self._breaker.is_open:
            self._metrics.cache_skipped.inc(len(keys))
            return [None] * len(keys)
        return await self._load(keys, self._timeout_s)

    async def find_late(self, key: LinkKey) -> Link | None:
        """Ask once more, with more time and whatever the breaker says."""
        return await self._late.get(key)

    async def write_back(self, entries: Sequence[tuple[LinkKey, Link]], *, read_at: float) -> None:
        """Store links that were read from PostgreSQL at `read_at` of `perf_counter`, if possible.

        No visitor waits for this, so a busy machine gets more time than for a lookup: a link that
        stays out of the cache is a 503 once PostgreSQL is away.
        """
        if self._breaker.is_open:
            return
        left_s = read_at + WRITE_BACK_MAX_AGE_S - time.perf_counter()
        try:
            async with asyncio.timeout(left_s):
                await self._cache.set_if_newer(entries)
        except Exception:  # the next miss tries again
            self._metrics.write_back_errors.inc(len(entries))

    async def _load_late(self, keys: list[LinkKey]) -> list[Link | None]:
        return await self._load(keys, LATE_TIMEOUT_S)

    async def _load(self, keys: Sequence[LinkKey], timeout_s: float) -> list[Link | None]:
        metrics = self._metrics
        metrics.cache_batch_size.observe(len(keys))
        started = time.perf_counter()
        try:
            links = await within(timeout_s, self._cache.get_many(keys))
        except Exception:  # whatever Redis or its client does, visitors go on
            self._breaker.failed()
            metrics.cache_errors.inc(len(keys))
            return [None] * len(keys)
        self._breaker.succeeded()
        metrics.cache_duration.observe(time.perf_counter() - started)
        misses = links.count(None)
        negatives = sum(1 for link in links if link is not None and not link.is_known)
        metrics.cache_misses.inc(misses)
        metrics.cache_negative_hits.inc(negatives)
        metrics.cache_hits.inc(len(links) - misses - negatives)
        return links

    async def _probe(self) -> None:
        async with asyncio.timeout(self._timeout_s):
            await self._cache.ping()
