"""The endless task that drops what is cached when another Redis than before has the cache.

A promoted replica may lack the last changes that its primary had taken, and so may what a Redis
reads from its disk at a start. Nobody would write them again, so a link that was edited, blocked
or deleted would lead where it did until its entry expires, after a day. A link that is not cached
costs a lookup.
"""

import asyncio
from typing import Protocol

import structlog
from redis.exceptions import RedisError, ResponseError

log = structlog.get_logger()

INTERVAL_S = 0.25
"""Within the second in which redirects see a change once Redis is up."""


class Keeper(Protocol):
    """The server that has the cache."""

    async def names(self) -> tuple[str, str | None]:
        """Return its name, empty if it tells none, and that of who had the links, if anybody."""

    async def note(self, name: str) -> None:
        """Note whose links they are."""

    async def drop_some(self, cursor: int) -> int:
        """Drop some of them; return where to go on, 0 after the last."""


class CacheTakeover:
    """Looks four times a second. What Redis refuses is said once, until it takes it again.

    The name of who has the cache is kept in it. So a takeover is seen whoever looks, also after a
    start; of several shorteners that see it at once each drops what is there, which does no harm.
    """

    def __init__(self, keeper: Keeper, *, calls: asyncio.Semaphore) -> None:
        self._keeper = keeper
        # A call beyond the connections would fail at once; each is bounded by the client's limits.
        self._calls = calls
        self._refusal = ""

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.turn()
            await asyncio.sleep(INTERVAL_S)

    async def turn(self) -> None:
        """Look once; what a Redis that is away has left undone begins anew the next time."""
        try:
            refusal = await self._look()
        except ResponseError as error:
            refusal = str(error)
        except (RedisError, OSError, TimeoutError):
            return
        if refusal and not self._refusal:
            log.warning("cache_takeovers_unseen", reason=refusal)
        self._refusal = refusal

    async def _look(self) -> str:
        async with self._calls:
            name, former = await self._keeper.names()
        if not name:
            return "it has no run_id"
        if former not in (None, name):
            cursor = await self._drop(0)
            while cursor:
                cursor = await self._drop(cursor)
            log.warning("cache_emptied", reason="another Redis has taken it over")
        if former != name:
            # Should yet another one have taken over meanwhile, this is not its name.
            async with self._calls:
                await self._keeper.note(name)
        return ""

    async def _drop(self, cursor: int) -> int:
        async with self._calls:
            return await self._keeper.drop_some(cursor)
