"""What redirectors remember of domains: few rows, read again and again, so nobody waits."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog

from redirector.not_found import Redirects

INTERVAL_S = 0.4
"""So that a change is seen within a second, on a busy machine too."""

log = structlog.get_logger()


class Store(Protocol):
    """Where domains are."""

    async def find_redirects(self) -> Mapping[str, Redirects]:
        """Read all that there are."""


class DomainTable:
    """The redirects of domains as they were less than a second ago.

    While PostgreSQL is away it keeps what it knew; `age_s` tells for how long, and is the metric
    `qck_domain_redirects_age_seconds`.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._read_at = clock()
        self._is_stale = False
        self.redirects: Mapping[str, Redirects] = {}

    def age_s(self) -> float:
        """Tell how long ago the table was read, or should have been for the first time."""
        return self._clock() - self._read_at

    async def refresh(self) -> None:
        """Read the table; where that fails, say so in the log once."""
        try:
            self.redirects = await self._store.find_redirects()
        except Exception as error:  # whatever it is, what was known is better than nothing
            if not self._is_stale:
                log.warning("domain_redirects_stale", reason=repr(error))
            self._is_stale = True
        else:
            self._is_stale = False
            self._read_at = self._clock()

    async def refresh_forever(
        self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """Read it again and again until cancelled."""
        while True:
            await sleep(INTERVAL_S)
            await self.refresh()
