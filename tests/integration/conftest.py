"""Fixtures that several tests of one service against real servers need."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.click_writer import ClickWriter
from shared.link_cache import LinkCache, LinkCacheSettings
from shortener import app, link_outbox
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
def patient_write_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a change wait for Redis while the machine stands still: it is cached when answered."""
    monkeypatch.setattr(link_outbox, "WRITE_THROUGH_TIMEOUT_S", 30)
    monkeypatch.setattr(app, "WRITE_THROUGH_TIMEOUT_S", 30)


@pytest.fixture
async def client(
    database_url: str, redis_url: str, patient_write_through: None
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a running shortener, with its first key."""
    async with running_shortener(database_url, redis_url) as client:
        yield client


@pytest.fixture
async def cache(redis_url: str) -> AsyncIterator[LinkCache]:
    """The cache as redirectors see it."""
    async with Redis.from_url(redis_url) as redis:
        yield LinkCache(redis, LinkCacheSettings())
