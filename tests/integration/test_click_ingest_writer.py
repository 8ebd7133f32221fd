"""Batches in a real PostgreSQL: each click once, counts and ledger true."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.click_writer import ClickWriter
from click_ingest.refusal import refusal_of
from shared.click_event import ClickEvent
from tests.support.clicks import CHROME, a_click, a_message
from tests.support.database import fetch
from tests.support.ingest import (
    a_writer,
    an_engine,
    assert_counts_are_rows,
    ledger,
    make_partitions,
    stored_clicks,
    write,
)
from tests.support.tcp_proxy import proxied


async def test_every_member_of_a_click_is_stored(database_url: str, writer: ClickWriter) -> None:
    """A row has what the event has, and what its user agent says."""
    click = a_click(
        referer="https://example.org/é?q=1\t\\N", short_code="ünï🙂", ip="2001:db8::", country="NL"
    )
    assert await write(writer, a_message([click])) == 1
    (row,) = await fetch(database_url, "SELECT * FROM clicks")
    stored = dict(row)
    assert (str(stored.pop("id")), str(stored.pop("ip"))) == (click.id, click.ip)
    agent = [stored.pop(name) for name in ("browser", "operating_system", "device", "is_bot")]
    assert agent == ["Chrome", "Windows", None, False]
    assert stored == {name: getattr(click, name) for name in stored}


async def test_orphans_and_bots_are_stored_and_counted_apart(
    database_url: str, writer: ClickWriter
) -> None:
    """A click without a link counts under link 0, and nobody is dropped for being a bot."""
    orphan = a_click(type="invalid_short_url", link_id=None, redirect_url=None, ip=None)
    bot = a_click(user_agent="curl/8.5.0", link_id=7, visitor=None)
    await write(writer, a_message([orphan, bot, a_click(link_id=7), a_click(link_id=7)]))
    counts = await fetch(
        database_url,
        "SELECT link_id, type, is_bot, clicks FROM click_counts_total ORDER BY 1, 2, 3",
    )
    assert [tuple(row) for row in counts] == [
        (0, "invalid_short_url", False, 1),
        (7, "link", False, 2),
        (7, "link", True, 1),
    ]
    await assert_counts_are_rows(database_url)


async def test_hours_are_those_of_utc(
    database_url: str, engine: AsyncEngine, writer: ClickWriter
) -> None:
    """A click counts in the hour it happened in, whatever the server's time zone."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = [midnight - timedelta(milliseconds=1), midnight, midnight + timedelta(minutes=59)]
    await fetch(database_url, "ALTER ROLE CURRENT_USER SET timezone = 'Asia/Kolkata'")
    try:
        await engine.dispose()  # only a new session has it
        async with engine.connect() as connection:
            zone = (await connection.execute(text("SHOW timezone"))).scalar_one()
        assert zone == "Asia/Kolkata"
        await write(writer, a_message([a_click(clicked_at=moment) for moment in moments]))
    finally:
        await fetch(database_url, "ALTER ROLE CURRENT_USER RESET timezone")
    hours = await fetch(database_url, "SELECT hour, clicks FROM click_counts_hourly ORDER BY 1")
    assert [tuple(row) for row in hours] == [(midnight - timedelta(hours=1), 1), (midnight, 2)]


async def test_an_empty_message_makes_its_source_known(
    database_url: str, writer: ClickWriter
) -> None:
    """A mark without clicks leaves a row without ranges."""
    source = uuid.uuid4()
    assert await write(writer, a_message([], source=source, first_sequence=3)) == 0
    assert await ledger(database_url, source) == ("{}", 0, 0, 0)


async def test_clicks_counts_and_ledger_are_one_transaction(
    database_url: str, writer: ClickWriter
) -> None:
    """When the last statement fails nothing of the batch is there."""
    await fetch(database_url, "ALTER TABLE click_sources RENAME TO hidden")
    message = a_message([a_click()])
    with pytest.raises(asyncpg.UndefinedTableError):
        await write(writer, message)
    assert await stored_clicks(database_url) == 0
    assert await fetch(database_url, "SELECT FROM click_counts_total") == []
    await fetch(database_url, "ALTER TABLE hidden RENAME TO click_sources")
    assert await write(writer, message) == 1


async def test_poison_without_a_source_leaves_no_trace(
    database_url: str, writer: ClickWriter
) -> None:
    """A batch that has neither clicks nor an entry for the ledger is written, to no effect."""
    assert await write(writer, a_message([a_click()], source=None)) == 0
    assert await fetch(database_url, "SELECT FROM click_sources") == []


async def test_a_try_without_a_database_is_no_refusal(database_url: str) -> None:
    """When the connection breaks while a refused click is looked for, no click is to blame."""
    async with proxied(database_url) as (proxy, url), an_engine(url) as engine:
        await make_partitions(engine)
        proxy.shut_on(b'COPY "clicks"', after_delivery=False)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)) as caught:
            await a_writer(engine).refusal([a_click()])
    assert refusal_of(caught.value) is None


REFUSED: dict[str, tuple[Callable[[], ClickEvent], str]] = {
    "outside every partition": (
        lambda: a_click(clicked_at=datetime(2001, 1, 1, tzinfo=UTC)), "no_partition",
    ),
    "NUL in a text": (lambda: a_click(user_agent=f"{CHROME}\x00"), "refused"),
    "no address": (lambda: a_click(ip="localhost"), "refused"),
    "no id": (lambda: a_click(id="not-an-id"), "refused"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
async def test_what_postgres_refuses_is_told_apart(
    database_url: str, writer: ClickWriter, name: str
) -> None:
    """The error is the data's, the connection goes on to work, and nothing is left of a try."""
    make, fault = REFUSED[name]
    bad, good = make(), a_click()
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is refusal_of's business
        await write(writer, a_message([good, bad]))
    assert refusal_of(caught.value) is not None
    refusal = await writer.refusal([good, bad])
    assert refusal is not None
    assert refusal.fault == fault
    assert await writer.refusal([good]) is None
    assert await stored_clicks(database_url) == 0
    assert await write(writer, a_message([good])) == 1
