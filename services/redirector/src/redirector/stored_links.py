"""Links as PostgreSQL has them: one statement for everybody who waits, within a deadline."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from redirector.breaker import Breaker
from redirector.joined_lookup import JoinedLookup
from shared.link import Link, unknown_link
from shared.link_cache import LinkKey
from shared.metrics import RedirectorMetrics

STATEMENT_INTERVAL_S = 0.002
"""Between the beginnings of two statements: with Redis away everybody comes here, and what a
statement costs by itself is shared by those who wait for it."""


class ResolveError(Exception):
    """The link is not cached and PostgreSQL does not answer: nobody can tell what it is."""


class Store(Protocol):
    """What is needed of PostgreSQL."""

    async def find_many(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
        """Read the links that exist, in one statement."""

    async def ping(self) -> object:
        """Raise unless PostgreSQL answers."""


class WriteBack(Protocol):
    """Where links go once they were read."""

    def __call__(
        self, entries: Sequence[tuple[LinkKey, Link]], *, read_at: float
    ) -> Coroutine[Any, Any, None]:
        """Take what was read at `read_at` of `perf_counter`; never fail."""


class StoredLinks:
    """Finds links in PostgreSQL, at most `calls` statements at once, and has them written back.

    Counts errors, and the size and duration of each statement, in `metrics`.
    """

    __slots__ = (
        "_breaker",
        "_lookup",
        "_metrics",
        "_store",
        "_tasks",
        "_timeout_s",
        "_write_back",
    )

    def __init__(
        self,
        store: Store,
        *,
        write_back: WriteBack,
        timeout_s: float,
        calls: int,
        metrics: RedirectorMetrics,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._store = store
        self._write_back = write_back
        self._timeout_s = timeout_s
        self._metrics = metrics
        self._tasks = tasks
        self._breaker = Breaker(
            self._probe, tasks=tasks, on_change=metrics.breaker_open["postgres"].set
        )
        self._lookup = JoinedLookup(
            self._load, tasks=tasks, max_in_flight=calls, min_interval_s=STATEMENT_INTERVAL_S
        )

    @property
    def is_given_up(self) -> bool:
        """Whether PostgreSQL is only probed at the moment."""
        return self._breaker.is_open

    async def find(self, key: LinkKey) -> Link:
        """Return the link, or one that is not known.

        Raises:
            ResolveError: PostgreSQL does not answer, or has not for a while (breaker open).
        """
        if self._breaker.is_open:
            raise ResolveError
        return await self._lookup.get(key)

    async def _load(self, keys: list[LinkKey]) -> list[Link]:
        if self._breaker.is_open:  # since these were queued behind the statements that opened it
            raise ResolveError
        metrics = self._metrics
        metrics.database_batch_size.observe(len(keys))
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await self._store.find_many(keys)
        except Exception as error:  # whatever it is, the visitor gets "come again", no traceback
            self._breaker.failed()
            metrics.database_errors.inc()
            raise ResolveError from error
        self._breaker.succeeded()
        metrics.database_duration.observe(time.perf_counter() - started)
        links = [found.get(key) or unknown_link() for key in keys]
        entries = list(zip(keys, links, strict=True))
        self._tasks.create_task(self._write_back(entries, read_at=started))
        return links

    async def _probe(self) -> None:
        async with asyncio.timeout(self._timeout_s):
            await self._store.ping()
