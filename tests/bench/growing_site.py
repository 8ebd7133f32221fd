"""A stack whose links and clicks become more."""

from collections.abc import Iterator
from itertools import islice
from random import Random

from local_stack.stack import Stack
from tests.bench.api_reads import TAG
from tests.bench.bench import Bench
from tests.bench.redis_memory import redis_memory
from tests.bench.table_sizes import TableSizes, settle
from tests.bench.visits import Visits
from tests.bench.warm_cache import cache_links
from tests.seed.clicks import seed_clicks
from tests.seed.links import seed_links
from tests.support.database import fetch

POPULAR_LINKS = 5_000

_TAG = """
WITH tag AS (INSERT INTO tags (name) VALUES ($1) RETURNING id)
INSERT INTO link_tags SELECT links.id, tag.id FROM links, tag WHERE short_code = ANY($2::text[])
"""


class GrowingSite:
    """The first links are the popular ones and cached; the newest are those that are not yet."""

    def __init__(self, bench: Bench, stack: Stack) -> None:
        self.stack = stack
        self.cached_bytes_per_link = 0.0
        self._bench = bench
        self._links = 0
        self._clicks = 0
        random = Random(bench.options.seed)  # noqa: S311 - a repeatable choice, no secret
        self.visits = Visits(random=random, cached=(), fresh=iter(()))

    async def grow(self, *, links: int, clicks: int = 0) -> TableSizes:
        """Add what is missing to these numbers, and vacuum; return what the tables take then."""
        if links > self._links:
            await self._add_links(links - self._links)
            self._links = links
        if clicks > self._clicks:
            with self._bench.screen.progress("clicks", clicks - self._clicks) as advance:
                await seed_clicks(
                    self.stack.urls.database_url,
                    clicks - self._clicks,
                    seed=self._bench.options.seed,
                    domain=f"localhost:{self.stack.public_port}",
                    progress=advance,
                )
            self._clicks = clicks
        self._bench.screen.say(f"vacuuming {links:,} links and {clicks:,} clicks")
        return await settle(self.stack.urls.database_url)

    async def _add_links(self, count: int) -> None:
        with self._bench.screen.progress("links", count) as advance:
            seeded = await seed_links(
                self.stack.urls.database_url,
                count,
                seed=self._bench.options.seed,
                progress=advance,
            )
        codes = seeded.codes()
        cached = self.visits.cached or await self._cache(codes)
        self.visits = Visits(random=self.visits.random, cached=cached, fresh=codes)

    async def _cache(self, codes: Iterator[str]) -> list[str]:
        popular = list(islice(codes, POPULAR_LINKS))
        await fetch(self.stack.urls.database_url, _TAG, TAG, popular)
        empty = await redis_memory(self.stack)
        await cache_links(self.stack, popular)
        full = await redis_memory(self.stack)
        self.cached_bytes_per_link = full.bytes_per_key(empty)
        return popular
