"""Which Redis has the links that are cached, and how it loses them."""

from redis.asyncio import Redis

from shared.link_cache import cache_key
from shared.redis_pipeline import execute

_NAME = "link:keeper"
"""Has the name of the server; replicas and files have it along with the links.

Who asks for it again and again keeps it from being evicted. One that was has no consequence.
"""

# Few keys at once, as Redis does nothing else meanwhile.
_DROP_SOME = """
local found = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 200)
if #found[2] > 0 then
  redis.call('UNLINK', unpack(found[2]))
end
return found[1]
"""


class CacheKeeper:
    """The server at the address of the cache; errors are the client's own."""

    __slots__ = ("_redis",)

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def names(self) -> tuple[str, str | None]:
        """Return the names of the server and of the one that had its links before, if any did.

        The first is empty where the server tells none.
        """
        # All in one round trip, hence of one server. The last changes nothing, but a replica
        # refuses it: what is to be known is who takes the writes.
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.info("server")
        pipeline.get(_NAME)
        pipeline.persist(_NAME)
        server, former, _ = await execute(pipeline)
        return server.get("run_id", ""), None if former is None else former.decode()

    async def note(self, name: str) -> None:
        """Note whose links they are from now on."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.set(_NAME, name)
        await execute(pipeline)

    async def drop_some(self, cursor: int) -> int:
        """Drop some links, going on at `cursor`; return where to go on, 0 after the last.

        Others may keep theirs in the same database, so it is not emptied as a whole.
        """
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.eval(_DROP_SOME, 0, cursor, cache_key(("*", "*")))
        return int((await execute(pipeline))[0])
