"""Fixtures that several tests of one service against real servers need."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.click_writer import ClickWriter
from shared.db import engine as engines
from shared.link_cache import LinkCache, LinkCacheSettings
from shortener import api_keys, app, link_outbox
from tests.support.api import running_shortener
from tests.support.ingest import (
    a_writer,
    an_engine,
    make_partitions,
)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a database with partitions."""
    async with an_engine(database_url) as engine:
        await make_partitions(engine)
        yield engine


@pytest.fixture
def writer(engine: AsyncEngine) -> ClickWriter:
    """The worker's writer."""
    return a_writer(engine)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a shortener wait for its stores while the machine stands still.

    So no call is unavailable, and what a change has made of a link is cached when it is answered.
    """
    for module, name in (
        (link_outbox, "WRITE_THROUGH_TIMEOUT_S"),
        (app, "WRITE_THROUGH_TIMEOUT_S"),
        (app, "POOL_TIMEOUT_S"),
        (app, "STATEMENT_TIMEOUT_S"),
        (api_keys, "FIND_TIMEOUT_S"),
        (engines, "CONNECT_TIMEOUT_S"),
    ):
        monkeypatch.setattr(module, name, 30.0)


@pytest.fixture
async def client(
    database_url: str, redis_url: str, patience: None
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a running shortener, with its first key."""
    async with running_shortener(database_url, redis_url) as client:
        yield client


@pytest.fixture
async def cache(redis_url: str) -> AsyncIterator[LinkCache]:
    """The cache as redirectors see it."""
    async with Redis.from_url(redis_url) as redis:
        yield LinkCache(redis, LinkCacheSettings())
