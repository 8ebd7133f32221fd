"""Links in Redis: keys, value layout, times to live, and "set if newer".

Redis may lose everything at any moment. What it holds is never older than what it held before:
each write carries the link's version, and one script lets only a higher version replace a lower.
"""

import random
from collections.abc import Iterable, Sequence
from typing import Annotated, Protocol

import msgspec
from redis.asyncio import Redis

from shared.link import Link
from shared.redis_pipeline import execute

SCHEMA = 1
"""Part of every key: a release that changes the layout never reads the old one."""

TOMBSTONE_TTL_S = 3600.0
"""How long a deletion is remembered; far longer than any reader holds a row it has read."""

_VERSION_DIGITS = 16
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Link)

# One key a call, so that it works on Redis Cluster; a pipeline joins the calls. A Redis that is
# full and may not evict refuses to set but not to delete, and a link that changed must not stay.
_SET_IF_NEWER = f"""
local current = redis.call('GETRANGE', KEYS[1], 0, {_VERSION_DIGITS - 1})
if current == '' or tonumber(current) < tonumber(string.sub(ARGV[1], 1, {_VERSION_DIGITS})) then
  local stored = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  if stored.err then
    redis.call('DEL', KEYS[1])
    return stored
  end
  return 1
end
return 0
"""


class LinkCacheSettings(msgspec.Struct, frozen=True):
    """How long entries live: `LINK_CACHE_TTL_S` and `LINK_CACHE_NEGATIVE_TTL_S`."""

    ttl_s: Annotated[float, msgspec.Meta(ge=1)] = 86_400.0
    negative_ttl_s: Annotated[float, msgspec.Meta(ge=1)] = 30.0


LinkKey = tuple[str, str]
"""Domain ('' for the default domain) and short code."""


def cache_key(key: LinkKey) -> str:
    """Return the Redis key of a link."""
    return f"link:{SCHEMA}:{key[0]}:{key[1]}"


def encode_entry(link: Link) -> bytes:
    """Encode a cache value: the version in 16 digits, then the link as MessagePack."""
    return b"%016d" % link.version + _ENCODER.encode(link)


def decode_entry(value: bytes) -> Link | None:
    """Decode a cache value; None for what does not decode, which then counts as a miss."""
    try:
        return _DECODER.decode(memoryview(value)[_VERSION_DIGITS:])
    except (msgspec.DecodeError, UnicodeDecodeError):  # the latter: a text is not UTF-8
        return None


class Reads(Protocol):
    """What looking links up needs of Redis."""

    async def mget(self, keys: Sequence[str]) -> Sequence[object]:
        """Return the values of all keys in one round trip."""

    async def ping(self) -> object:
        """Raise unless Redis answers."""


class LinkCache:
    """The cache as both its writers and its reader use it; errors are the client's own.

    Reads go through `reads` where there is one, else through `redis` like the writes.
    """

    __slots__ = ("_reads", "_redis", "_settings")

    def __init__(
        self, redis: Redis, settings: LinkCacheSettings, *, reads: Reads | None = None
    ) -> None:
        self._redis = redis
        self._reads: Reads | Redis = reads or redis
        self._settings = settings

    async def get_many(self, keys: Sequence[LinkKey]) -> list[Link | None]:
        """Look all `keys` up with one `MGET`; None where nothing (readable) is cached."""
        values = await self._reads.mget([cache_key(key) for key in keys])
        return [decode_entry(value) if isinstance(value, bytes) else None for value in values]

    async def set_if_newer(self, entries: Iterable[tuple[LinkKey, Link]]) -> int:
        """Store the links that are newer than what is cached, in one round trip; count them.

        The time to live counts from here and is never extended by a hit. Where Redis has no room
        for a newer link, the older one is removed all the same, and its error raised.
        """
        pipeline = self._redis.pipeline(transaction=False)
        for key, link in entries:
            ttl_ms = round(self._ttl_s(link) * 1000)
            pipeline.eval(_SET_IF_NEWER, 1, cache_key(key), encode_entry(link), ttl_ms)
        return sum(await execute(pipeline))

    async def ping(self) -> None:
        """Raise unless Redis answers a reader."""
        await self._reads.ping()

    def _ttl_s(self, link: Link) -> float:
        if link.is_known:
            # Jitter, so that links loaded together do not expire together.
            return self._settings.ttl_s * random.uniform(0.9, 1.0)  # noqa: S311 - no secret
        return TOMBSTONE_TTL_S if link.version else self._settings.negative_ttl_s
