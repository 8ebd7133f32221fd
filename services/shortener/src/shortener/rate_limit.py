"""Rate limits: how many requests each API key may send, counted in Redis by one atomic script.

A token bucket: it holds as many tokens as there are requests in a window, and fills up steadily.
Without Redis nobody is limited: that costs a metric, not the API. After a failure Redis is left
alone for a second, so that a frozen one does not slow every request.
"""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.metrics import ShortenerMetrics

PAUSE_S = 1.0
TIMEOUT_S = 0.1
"""What the count may cost a request."""

# Redis's own clock, so that replicas agree. Returns whether it is allowed, the whole tokens that
# are left, and the milliseconds until there is one again.
_TAKE = """
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local size, window_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(state[1]) or size, tonumber(state[2]) or now_ms
tokens = math.min(size, tokens + math.max(0, now_ms - at) * size / window_ms)
local allowed = 0
if tokens >= 1 then
  allowed = 1
  tokens = tokens - 1
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', now_ms)
redis.call('PEXPIRE', KEYS[1], window_ms)
return {allowed, math.floor(tokens), math.ceil(math.max(0, 1 - tokens) * window_ms / size)}
"""


class RateLimitSettings(msgspec.Struct, frozen=True):
    """`RATE_LIMIT_REQUESTS` in `RATE_LIMIT_WINDOW_S`, for each API key."""

    requests: Annotated[int, msgspec.Meta(ge=0)] = 6000
    """0 for no limit."""
    window_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a key may still do, in whole requests and seconds."""

    is_allowed: bool
    remaining: int
    retry_after_s: int
    headers: dict[str, str]
    """`RateLimit` and `RateLimit-Policy`."""


class RateLimit:
    """Counts requests; `calls` bounds what is asked of Redis at once."""

    def __init__(
        self,
        redis: Redis,
        settings: RateLimitSettings,
        *,
        calls: asyncio.Semaphore,
        metrics: ShortenerMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._settings = settings
        self._calls = calls
        self._metrics = metrics
        self._clock = clock
        self._paused_until = -math.inf

    async def take(self, api_key_id: int) -> Allowance | None:
        """Count a request; None where there is no limit, or nobody to count."""
        size, window_s = self._settings.requests, self._settings.window_s
        if size == 0:
            return None
        if self._clock() < self._paused_until:
            self._metrics.rate_limits_skipped.inc()
            return None
        try:
            async with asyncio.timeout(TIMEOUT_S), self._calls:
                taken = await self._redis.eval(
                    _TAKE, 1, f"rate:{api_key_id}", str(size), str(window_s * 1000)
                )
        except (RedisError, OSError, TimeoutError):
            self._paused_until = self._clock() + PAUSE_S
            self._metrics.rate_limits_skipped.inc()
            return None
        is_allowed, remaining, wait_ms = taken
        metric = (
            self._metrics.rate_limits_allowed if is_allowed else self._metrics.rate_limits_refused
        )
        metric.inc()
        retry_after_s = max(1, math.ceil(wait_ms / 1000))
        headers = {
            "RateLimit-Policy": f'"key";q={size};w={window_s}',
            "RateLimit": f'"key";r={remaining};t={retry_after_s}',
        }
        return Allowance(bool(is_allowed), remaining, retry_after_s, headers)
