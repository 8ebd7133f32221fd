"""The PostgreSQL engine: bounded pool, every time limit set, no dead connection handed out."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import event, exc, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.db.errors import DATABASE_ERRORS
from shared.db.pool import WatchedPool
from shared.db.prompt_connection import PromptConnection
from shared.settings import Secret

CONNECT_TIMEOUT_S = 2.0
READ_ONLY = "25006"
"""read_only_sql_transaction: what a standby says to whoever wants to write."""

log = structlog.get_logger()


def create_engine(
    url: Secret,
    *,
    application_name: str,
    pool_size: int,
    statement_timeout_s: float,
    pool_timeout_s: float = 1.0,
    autocommit: bool = False,
) -> AsyncEngine:
    """Make an engine of at most `pool_size` connections; opens none.

    With `autocommit` a statement costs one round trip (no BEGIN and ROLLBACK around it).
    A statement that the server does not stop after `statement_timeout_s` is given up by the client
    shortly after, so a hung server cannot hold a caller; nor can it hold one who gives up earlier,
    by `asyncio.timeout` or otherwise.

    The URL is the driver's to read: it knows `sslmode`, `sslrootcert` and the other names that
    PostgreSQL's own tools have for them, of which SQLAlchemy would make arguments nobody takes.
    """
    options: dict[str, Any] = {}
    if autocommit:
        options = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}
    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=WatchedPool,
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,  # of statements that fail: errors are logged, rows are not to be
        pool_timeout=pool_timeout_s,
        pool_use_lifo=True,
        connect_args={
            "dsn": url.reveal(),
            "connection_class": PromptConnection,
            "timeout": CONNECT_TIMEOUT_S,
            "command_timeout": statement_timeout_s + 0.5,
            "server_settings": {
                "application_name": application_name,
                "jit": "off",
                # To start a worker takes longer than what it would do, and the cores have others
                # to serve.
                "max_parallel_workers_per_gather": "0",
                "statement_timeout": str(round(statement_timeout_s * 1000)),
                "idle_in_transaction_session_timeout": "60000",
            },
        },
        **options,
    )

    # Sees a server restart without the round trip that pool_pre_ping costs at each checkout.
    @event.listens_for(engine.sync_engine, "checkout")
    def discard_closed(connection: Any, record: Any, proxy: Any) -> None:
        if connection.driver_connection.is_closed():
            raise exc.DisconnectionError

    # A standby answers, so nothing else would end a connection to one: where the address leads to
    # another primary by now, only a new connection gets there.
    @event.listens_for(engine.sync_engine, "handle_error")
    def leave_standby(context: Any) -> None:
        if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
            context.is_disconnect = True

    return engine


async def warm(engine: AsyncEngine, connections: int) -> None:
    """Open `connections` at once, so that the first requests do not pay for connecting.

    Raises:
        Exception: one of DATABASE_ERRORS: the server does not answer.
    """
    opened = asyncio.Barrier(connections)

    async def hold() -> None:
        async with engine.connect():
            await opened.wait()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(hold())
    except* DATABASE_ERRORS as errors:
        raise errors.exceptions[0] from None


async def warm_if_there(engines: Mapping[AsyncEngine, int]) -> None:
    """Warm engines, each with its connections; a server that is away is only told in the log."""
    try:
        for engine, connections in engines.items():
            await warm(engine, connections)
    except DATABASE_ERRORS as error:
        log.warning("database_away_at_start", reason=repr(error))


async def ping(engine: AsyncEngine) -> None:
    """Raise unless PostgreSQL answers."""
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
