"""From short codes to their links: Redis for many at once, else PostgreSQL.

One living store is enough. An error of Redis is counted and treated as a miss; only a link that is
not cached while PostgreSQL is gone cannot be resolved.
"""

import asyncio
from collections.abc import Sequence

from redirector.cached_links import Cache, CachedLinks
from redirector.stored_links import ResolveError, Store, StoredLinks
from shared.link import Link
from shared.link_cache import LinkKey
from shared.metrics import RedirectorMetrics


class Resolver:
    """Finds links: what is cached with `find_cached`, the rest with `find_stored`."""

    __slots__ = ("_cached", "_stored")

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
        self._cached = CachedLinks(cache, timeout_s=cache_timeout_s, metrics=metrics, tasks=tasks)
        self._stored = StoredLinks(
            store,
            write_back=self._cached.write_back,
            timeout_s=store_timeout_s,
            calls=store_calls,
            metrics=metrics,
            tasks=tasks,
        )

    @property
    def given_up(self) -> dict[str, bool]:
        """Which stores are only probed at the moment, because their breaker is open."""
        return {"redis": self._cached.is_given_up, "postgres": self._stored.is_given_up}

    async def find_cached(self, keys: Sequence[LinkKey]) -> Sequence[Link | None]:
        """Return what Redis has of each key, in one round trip; None for what it has not.

        Never fails: while Redis is away nothing is cached.
        """
        return await self._cached.find(keys)

    async def find_stored(self, key: LinkKey) -> Link:
        """Return a link that is not cached, or one that is not known.

        Raises:
            ResolveError: PostgreSQL does not answer.
        """
        try:
            return await self._stored.find(key)
        except ResolveError:
            # Redis may only have been late, or be back before its breaker knows: a machine that
            # stalls for longer than Redis's deadline must not cost a visitor a cached link.
            link = await self._cached.find_late(key)
            if link is None:
                raise
            return link
