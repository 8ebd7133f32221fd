"""The store of links on a real PostgreSQL: codes that run out, versions that grow, the relay."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.engine import create_engine
from shared.link_cache import LinkCache, LinkCacheSettings
from shared.metrics import ShortenerMetrics
from shared.settings import Secret
from shortener.api_keys import ApiKeys
from shortener.audit_log import Author
from shortener.code_generator import Draw, draw_codes
from shortener.idempotency import Answer
from shortener.link_change import LinkNotFoundError
from shortener.link_creation import NoFreeCodeError, ShortCodeTakenError
from shortener.link_outbox import LinkOutbox
from shortener.link_store import LinkStore
from shortener.short_url_body import ShortUrlCreation, ShortUrlEdit
from shortener.stored_link import StoredLink
from tests.support.creations import a_creation
from tests.support.database import fetch


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine as the shortener makes it."""
    engine = create_engine(
        Secret(database_url), application_name="tests", pool_size=2, statement_timeout_s=5
    )
    yield engine
    await engine.dispose()


@pytest.fixture
async def author(engine: AsyncEngine, database_url: str) -> Author:
    """The owner of an API key."""
    await ApiKeys(engine).create("tests")
    key_id = (await fetch(database_url, "SELECT id FROM api_keys"))[0]["id"]
    return Author(key_id, "tests", "a-request")


async def create(store: LinkStore, creation: ShortUrlCreation, author: Author) -> StoredLink:
    """Create the link, whatever is answered."""
    done = await store.create(creation, author, lambda change: Answer(200, b""))
    assert done.result is not None
    return done.result.link


@pytest.fixture
async def outbox(engine: AsyncEngine, redis_url: str) -> AsyncIterator[LinkOutbox]:
    """An outbox in front of a real cache."""
    async with Redis.from_url(redis_url) as redis:
        yield LinkOutbox(
            engine=engine,
            cache=LinkCache(redis, LinkCacheSettings()),
            cache_calls=asyncio.Semaphore(1),
            metrics=ShortenerMetrics(CollectorRegistry()),
        )


class Collisions:
    """Counts them."""

    def __init__(self) -> None:
        self.count = 0

    def inc(self) -> None:
        """Count one."""
        self.count += 1


def a_store(
    engine: AsyncEngine, outbox: LinkOutbox, collisions: Collisions, draw: Draw = draw_codes
) -> LinkStore:
    """Make a store that draws codes as told."""
    return LinkStore(
        engine=engine,
        outbox=outbox,
        count_collision=collisions.inc,
        deletion_threshold=None,
        draw=draw,
    )


def drawing(*codes: str) -> Draw:
    """Draw these codes, then give up."""

    def draw(length: int, prefix: str) -> Iterator[str]:
        yield from codes

    return draw


async def test_a_taken_random_code_is_drawn_again(
    engine: AsyncEngine, outbox: LinkOutbox, author: Author
) -> None:
    """Each collision is counted, and the first free code is used."""
    collisions = Collisions()
    store = a_store(engine, outbox, collisions, drawing("aaaa", "bbbb", "cccc"))
    codes = [(await create(store, a_creation(), author)).short_code for _ in range(3)]
    assert codes == ["aaaa", "bbbb", "cccc"]
    assert collisions.count == 3


async def test_no_free_code_leaves_nothing(
    engine: AsyncEngine, outbox: LinkOutbox, author: Author, database_url: str
) -> None:
    """When every draw is taken the creation fails as a whole."""
    store = a_store(engine, outbox, Collisions(), drawing("aaaa"))
    await create(store, a_creation(), author)
    with pytest.raises(NoFreeCodeError):
        await create(store, a_creation(domain="", tags=("t",)), author)
    assert len(await fetch(database_url, "SELECT FROM links")) == 1
    assert not await fetch(database_url, "SELECT FROM tags")


async def test_versions_grow_over_the_whole_life_of_a_code(
    engine: AsyncEngine, outbox: LinkOutbox, author: Author
) -> None:
    """Creation, edits, deletion and the next creation are in order."""
    store = a_store(engine, outbox, Collisions())
    versions = []
    for _ in range(2):
        link = await create(store, a_creation(custom_slug="x"), author)
        versions.append(link.version)
        for title in ("a", "b"):
            edited = await store.edit(link.key, ShortUrlEdit(title=title), author)
            versions.append(edited.version)
        await store.delete(link.key, author)
    assert versions == sorted(set(versions))


async def test_what_is_returned_is_what_is_stored(
    engine: AsyncEngine, outbox: LinkOutbox, author: Author
) -> None:
    """The link of a creation needs no second reading."""
    creation = a_creation(
        custom_slug="😀",
        domain="d.test",
        tags=("a", "b"),
        title="t",
        valid_since=datetime(2025, 1, 1, tzinfo=UTC),
        max_visits=3,
        crawlable=True,
        forward_query=False,
    )
    store = a_store(engine, outbox, Collisions())
    created = await create(store, creation, author)
    assert created == await store.find(("d.test", "😀"))
    assert created.visits_left == 3
    assert await store.own_domains({"d.test", "e.test"}) == {"d.test"}
    with pytest.raises(ShortCodeTakenError):
        await create(store, creation, author)


async def test_an_unknown_link_is_not_found_by_anything(
    engine: AsyncEngine, outbox: LinkOutbox, author: Author
) -> None:
    """Finding, editing and deleting agree."""
    store = a_store(engine, outbox, Collisions())
    with pytest.raises(LinkNotFoundError):
        await store.find(("", "x"))
    with pytest.raises(LinkNotFoundError):
        await store.edit(("", "x"), ShortUrlEdit(title="t"), author)
    with pytest.raises(LinkNotFoundError):
        await store.delete(("", "x"), author)


async def test_the_relay_drains_more_than_a_batch(
    engine: AsyncEngine, outbox: LinkOutbox, database_url: str, redis_url: str
) -> None:
    """What a long outage left behind is applied batch by batch, each link once as it is now."""
    await fetch(
        database_url,
        "WITH made AS (INSERT INTO links (short_code, long_url, long_url_hash)"
        " SELECT 'c' || n, 'https://example.org/' || n, '' FROM generate_series(1, 700) n"
        " RETURNING short_code, version)"
        " INSERT INTO link_outbox (domain, short_code, version, created_at)"
        " SELECT '', short_code, version, now() - interval '1 min' FROM made",
    )
    backlog = await outbox.backlog()
    assert (backlog.pending, backlog.age_s > 59) == (700, True)
    applied = []
    while (links_applied := await outbox.relay_batch()) != 0:
        if links_applied is not None:  # else Redis had no time, and the next turn does it
            applied.append(links_applied)
    assert applied == [500, 200]
    async with Redis.from_url(redis_url) as redis:
        cache = LinkCache(redis, LinkCacheSettings())
        links = await cache.get_many([("", f"c{number}") for number in range(1, 701)])
    assert [link.location for link in links if link is not None] == [
        f"https://example.org/{number}" for number in range(1, 701)
    ]


async def test_two_relays_share_the_work(
    engine: AsyncEngine, outbox: LinkOutbox, database_url: str
) -> None:
    """Rows that another replica's relay holds are passed over, not waited for."""
    await fetch(
        database_url,
        "INSERT INTO link_outbox (domain, short_code, version, created_at)"
        " SELECT '', 'c' || n, n, now() - interval '1 min' FROM generate_series(1, 3) n",
    )
    async with engine.begin() as other:
        await other.exec_driver_sql("SELECT FROM link_outbox WHERE short_code <> 'c2' FOR UPDATE")
        assert await outbox.relay_batch() == 1
    rows = await fetch(database_url, "SELECT short_code FROM link_outbox ORDER BY id")
    assert [row["short_code"] for row in rows] == ["c1", "c3"]
