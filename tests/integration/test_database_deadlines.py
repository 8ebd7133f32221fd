"""A deadline is one, also when PostgreSQL is frozen: it accepts everything and answers nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.ledger_watch import LedgerWatch
from shared.db.engine import create_engine, warm
from shared.health import Check, run_checks
from shared.metrics import IngestMetrics, create_registry
from shared.settings import Secret
from tests.support.tcp_proxy import TcpProxy, proxied

DEADLINE_S = 0.1
HANGS_AFTER_S = 20
"""Long before `STATEMENT_TIMEOUT_S`, which would end a wait for the server in the end."""

STATEMENT_TIMEOUT_S = 300
TURNS = 20


async def never(_: Any, **__: Any) -> None:
    """Take leave of a server for ever, so that no clock is needed to see that somebody does."""
    await asyncio.Event().wait()


@asynccontextmanager
async def an_engine(database_url: str) -> AsyncIterator[tuple[TcpProxy, AsyncEngine]]:
    """Make an engine whose PostgreSQL can be frozen."""
    async with proxied(database_url) as (proxy, url):
        engine = create_engine(
            Secret(url), application_name="tests", pool_size=2,
            statement_timeout_s=STATEMENT_TIMEOUT_S, autocommit=True,
        )  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asyncpg.Connection, "close", never)
            yield proxy, engine
        proxy.mend()
        await engine.dispose()
        for _ in range(TURNS):  # in which all that was cancelled comes to its end
            await asyncio.sleep(0)


async def ask(engine: AsyncEngine) -> None:
    """Run a statement."""
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


async def ask_in_a_transaction(engine: AsyncEngine) -> None:
    """Run a statement after one that begins a transaction."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="READ COMMITTED")
        await connection.execute(text("SELECT 1"))


async def assert_given_up(call: Awaitable[object]) -> None:
    """Check that the caller is free once the deadline is over."""
    async with asyncio.timeout(HANGS_AFTER_S) as hangs:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(DEADLINE_S):
                await call
    assert not hangs.expired()


@pytest.mark.parametrize("statement", [ask, ask_in_a_transaction])
async def test_a_statement(
    database_url: str, statement: Callable[[AsyncEngine], Awaitable[None]]
) -> None:
    """Whoever gives a statement up does not wait for the server to hear of it."""
    async with an_engine(database_url) as (proxy, engine):
        await warm(engine, 2)
        proxy.freeze()
        await assert_given_up(statement(engine))


async def test_a_connection_that_is_being_opened(database_url: str) -> None:
    """Nor does whoever finds no open connection."""
    async with an_engine(database_url) as (proxy, engine):
        proxy.freeze()
        await assert_given_up(ask(engine))


async def test_a_connection_that_is_being_set_up(database_url: str) -> None:
    """Nor does whoever's connection is open, and has yet to hear what it needs to know."""
    async with an_engine(database_url) as (proxy, engine):

        @event.listens_for(engine.sync_engine, "connect")
        def set_up(connection: Any, _: object) -> None:
            proxy.freeze()
            connection.run_async(lambda driver: driver.fetch("SELECT 1"))

        await assert_given_up(ask(engine))


async def test_the_pool_goes_on_afterwards(database_url: str) -> None:
    """What was given up is closed, and new connections take its place once the server is back."""
    async with an_engine(database_url) as (proxy, engine):
        await warm(engine, 2)
        proxy.freeze()
        for _ in range(3):
            await assert_given_up(ask(engine))
        proxy.mend()
        async with asyncio.timeout(HANGS_AFTER_S):
            await warm(engine, 2)


async def test_readiness(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service says that its database is away instead of saying nothing."""
    monkeypatch.setattr("shared.health.CHECK_TIMEOUT_S", DEADLINE_S)
    async with an_engine(database_url) as (proxy, engine):
        await warm(engine, 2)
        proxy.freeze()
        async with asyncio.timeout(HANGS_AFTER_S):
            status, checks = await run_checks([Check("postgres", lambda: ask(engine), True)])
    assert status == "down"
    assert checks["postgres"]["reason"] == "TimeoutError"


async def test_shutdown(database_url: str) -> None:
    """A service can end while its database is frozen."""
    async with an_engine(database_url) as (proxy, engine):
        await warm(engine, 2)
        proxy.freeze()
        async with asyncio.timeout(HANGS_AFTER_S):
            await engine.dispose()


async def test_the_end_of_an_endless_task(database_url: str) -> None:
    """Who watches the ledger can be stopped while the database is frozen, then gone."""
    async with proxied(database_url) as (proxy, url):
        engine = create_engine(
            Secret(url), application_name="tests", pool_size=1,
            statement_timeout_s=STATEMENT_TIMEOUT_S,
        )  # fmt: skip
        await warm(engine, 1)
        frozen = asyncio.Event()

        @event.listens_for(engine.sync_engine, "after_cursor_execute")
        def freeze(*_: object) -> None:
            proxy.freeze()
            frozen.set()

        watching = asyncio.create_task(
            LedgerWatch(engine, IngestMetrics(create_registry())).keep()
        )
        async with asyncio.timeout(HANGS_AFTER_S):
            await frozen.wait()
            watching.cancel()
            for _ in range(TURNS):
                await asyncio.sleep(0)
            proxy.shut()
            await asyncio.wait({watching})
        assert watching.cancelled()
        proxy.mend()
        await engine.dispose()
