"""What the planner says of disk and memory, against real servers.

Bytes only, which do not depend on how busy the machine is: `make capacity-check` has the rest.
"""

from random import Random

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from capacity import costs
from click_ingest.click_writer import ClickWriter
from redirector.link_store import LinkStore
from shared.link_cache import LinkCache
from tests.bench.table_sizes import settle
from tests.capacity.verdict import WITHIN
from tests.seed.clicks import seed_clicks
from tests.seed.links import seed_links
from tests.seed.visitors import COUNTRIES, REFERERS, USER_AGENTS
from tests.support.clicks import a_click, a_message
from tests.support.database import fetch
from tests.support.ingest import write

LINKS = 5_000
STORED_LINKS, LINKS_AT_ONCE, CACHED_LINKS = 35_000, 2_500, 5_000
BATCHES, BATCH = 5, 4_000
CACHED_TOGETHER = 1_000


async def test_disk_of_a_click_is_as_forecast(database_url: str, writer: ClickWriter) -> None:
    """Rows with their indexes, and counts by the hour, written as the worker writes them."""
    await seed_links(database_url, LINKS)
    links = await fetch(database_url, "SELECT id, short_code, long_url FROM links")
    before = await settle(database_url)
    random = Random(1)  # noqa: S311 - a repeatable choice, no secret
    for _ in range(BATCHES):
        clicks = []
        for link in random.choices(links, k=BATCH):
            (language, network) = random.choice([*COUNTRIES])
            click = a_click(
                link_id=link["id"],
                short_code=link["short_code"],
                visited_url=f"https://short.example.com/{link['short_code']}",
                redirect_url=link["long_url"],
                user_agent=random.choices([*USER_AGENTS], [*USER_AGENTS.values()])[0],
                referer=random.choices([*REFERERS], [*REFERERS.values()])[0],
                accept_language=language,
                ip=f"{network}.{random.randrange(256)}.0",
                visitor=f"{random.getrandbits(128):032x}",
                request_id=f"{random.getrandbits(128):032x}",
            )
            clicks.append(click)
        assert await write(writer, a_message(clicks)) == BATCH
    after = await settle(database_url)
    clicks_written = BATCHES * BATCH
    rows = (after.clicks_bytes - before.clicks_bytes) / clicks_written
    ((hours,),) = await fetch(database_url, "SELECT count(*) FROM click_counts_hourly")
    counts = (after.counts_bytes - before.counts_bytes) / hours
    assert rows == pytest.approx(costs.CLICK_DISK_BYTES, rel=WITHIN)
    assert counts == pytest.approx(costs.COUNTS_DISK_BYTES, rel=WITHIN)


@pytest.mark.parametrize(("links", "clicks"), [(2_000, 4_000), (500, 10_000)])
async def test_disk_of_statistics_is_as_forecast(
    database_url: str, links: int, clicks: int
) -> None:
    """A row for each link and day, larger the more clicks it has; seeded ones are folded too."""
    await seed_links(database_url, links)
    before = await settle(database_url)
    await seed_clicks(database_url, clicks, days=2)
    after = await settle(database_url)
    ((rows,),) = await fetch(database_url, "SELECT count(*) FROM click_statistics")
    forecast = rows * costs.STATISTICS_DISK_BYTES + clicks * costs.STATISTICS_CLICK_DISK_BYTES
    taken = after.statistics_bytes - before.statistics_bytes
    assert taken == pytest.approx(forecast, rel=WITHIN)


async def test_disk_and_memory_of_a_link_are_as_forecast(
    database_url: str, engine: AsyncEngine, cache: LinkCache, redis_url: str
) -> None:
    """A row with its indexes, and an entry of the cache with its key."""
    before = await settle(database_url)
    codes: list[str] = []
    # Bit by bit: how far the index of trigrams puts off its work, and keeps pages for that, is
    # otherwise a matter of how two connections take turns.
    while len(codes) < STORED_LINKS:
        codes += (await seed_links(database_url, LINKS_AT_ONCE)).codes()
        after = await settle(database_url)
    store = LinkStore(engine)
    async with Redis.from_url(redis_url) as redis:
        empty = (await redis.info("memory"))["used_memory"]
        for first in range(0, CACHED_LINKS, CACHED_TOGETHER):
            keys = [("", code) for code in codes[first : first + CACHED_TOGETHER]]
            await cache.set_if_newer((await store.find_many(keys)).items())
        full = (await redis.info("memory"))["used_memory"]
    on_disk = (after.links_bytes - before.links_bytes) / STORED_LINKS
    assert on_disk == pytest.approx(costs.LINK_DISK_BYTES, rel=WITHIN)
    assert (full - empty) / CACHED_LINKS == pytest.approx(costs.LINK_REDIS_BYTES, rel=WITHIN)
