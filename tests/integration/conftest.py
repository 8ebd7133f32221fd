"""Fixtures of the tests of click-ingest against a real PostgreSQL."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.click_writer import ClickWriter
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
