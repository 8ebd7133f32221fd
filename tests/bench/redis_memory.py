"""What Redis holds and what it takes."""

from dataclasses import dataclass

from local_stack.stack import Stack
from shared.redis_client import create_redis
from shared.settings import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisMemory:
    """At one moment."""

    used_bytes: int
    max_bytes: int
    keys: int
    evicted: int

    def bytes_per_key(self, earlier: "RedisMemory") -> float:
        """Return what each key took that has come since; values that made room are not counted."""
        return (self.used_bytes - earlier.used_bytes) / max(1, self.keys - earlier.keys)


async def redis_memory(stack: Stack) -> RedisMemory:
    """Ask."""
    redis = create_redis(
        Secret(stack.urls.redis_url), client_name="bench", pool_size=1, timeout_s=10
    )
    try:
        info = await redis.info()
        return RedisMemory(
            used_bytes=info["used_memory"],
            max_bytes=info["maxmemory"],
            keys=await redis.dbsize(),
            evicted=info["evicted_keys"],
        )
    finally:
        await redis.aclose()
