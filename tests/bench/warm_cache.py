"""Links put into Redis, as redirectors do with what they had to look up."""

from collections.abc import Callable, Iterable
from itertools import islice

from local_stack.stack import Stack
from redirector.link_store import LinkStore
from shared.db.engine import create_engine
from shared.link_cache import LinkCache, LinkCacheSettings
from shared.redis_client import create_redis
from shared.settings import Secret

TOGETHER = 1000


async def cache_links(
    stack: Stack, codes: Iterable[str], progress: Callable[[float], object] = lambda done: None
) -> None:
    """Read the links of these codes, and cache them."""
    engine = create_engine(
        Secret(stack.urls.database_url),
        application_name="qck bench",
        pool_size=1,
        statement_timeout_s=30,
        autocommit=True,
    )
    redis = create_redis(
        Secret(stack.urls.redis_url), client_name="bench", pool_size=1, timeout_s=10
    )
    store, cache = LinkStore(engine), LinkCache(redis, LinkCacheSettings())
    left = iter(codes)
    try:
        while some := list(islice(left, TOGETHER)):
            links = await store.find_many([("", code) for code in some])
            await cache.set_if_newer(links.items())
            progress(len(some))
    finally:
        await redis.aclose()
        await engine.dispose()
