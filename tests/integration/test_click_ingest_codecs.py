"""Addresses and moments as PostgreSQL understands them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.codecs import decode_moment, encode_address, encode_moment
from tests.support.ingest import an_engine

ADDRESSES = ("192.0.2.0", "0.0.0.0", "255.255.255.255", "2001:db8::", "::1", "::ffff:192.0.2.1")  # noqa: S104
MOMENTS = (
    datetime(2026, 3, 4, 5, 6, 7, 891000, UTC),
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
    datetime(2038, 1, 19, 3, 14, 8, tzinfo=timezone(timedelta(hours=5, minutes=45))),
)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine with the worker's codecs."""
    async with an_engine(database_url) as opened:
        yield opened


async def _ask(engine: AsyncEngine, query: str, value: object) -> Any:
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        return await driver.fetchval(query, value)


@pytest.mark.parametrize("address", ADDRESSES)
async def test_an_address_arrives_as_it_was_sent(engine: AsyncEngine, address: str) -> None:
    """PostgreSQL reads the address that it would read from its text."""
    assert await _ask(engine, f"SELECT $1::inet = '{address}'::inet", address) is True
    assert await _ask(engine, "SELECT host($1::inet)", address) == await _ask(
        engine, f"SELECT host('{address}'::inet) WHERE $1", True
    )


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
async def test_a_moment_arrives_as_it_was_sent(engine: AsyncEngine, moment: datetime) -> None:
    """PostgreSQL has the same moment, whatever its time zone, and gives it back."""
    text = moment.isoformat(" ")
    assert await _ask(engine, f"SELECT $1::timestamptz = '{text}'::timestamptz", moment) is True
    assert await _ask(engine, "SELECT $1::timestamptz", moment) == moment


def test_a_moment_survives_its_encoding() -> None:
    """Decoding undoes encoding to the microsecond."""
    assert [decode_moment(encode_moment(moment)) for moment in MOMENTS] == list(MOMENTS)


@pytest.mark.parametrize("text", ["", "localhost", "192.0.2.0/24", "192.0.2", "1::2::3", "\x00"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """Whatever names no single address is an error of the value, not of the connection."""
    with pytest.raises(ValueError, match=r"not an address|embedded null"):
        encode_address(text)


async def test_a_wrong_address_leaves_the_connection_usable(engine: AsyncEngine) -> None:
    """An address that is none fails its own statement and no later one."""
    with pytest.raises(asyncpg.DataError):
        await _ask(engine, "SELECT $1::inet", "nowhere")
    assert await _ask(engine, "SELECT host($1::inet)", "192.0.2.1") == "192.0.2.1"
