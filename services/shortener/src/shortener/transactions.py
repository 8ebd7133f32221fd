"""Running work on PostgreSQL, and what to do when the server or a connection is lost.

A transaction that the server rolled back, or that never got as far as COMMIT, is run again. When
the connection is lost during COMMIT nobody knows what happened: then work that can be repeated
without harm is run again, and for other work the database is asked whether it was done.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from asyncpg.exceptions import InvalidCachedStatementError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db.errors import DATABASE_ERRORS

log = structlog.get_logger()

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]
WasDone = Callable[[AsyncConnection, T], Awaitable[bool]]

MAX_ATTEMPTS = 3

# Serialization failure, deadlock, and a row that was just read, referred to, and is gone: all that
# is referred to is looked up in the same transaction.
_ROLLED_BACK = frozenset({"40001", "40P01", "23503"})
# No connection, no login, no such database, no resources, shutting down, starting up, too slow,
# failing disk, waited for a lock, idle for too long.
_UNAVAILABLE = ("08", "28", "3D", "53", "57", "58", "55P03", "25P03")
_OUTCOME_UNKNOWN = "The database was lost while it stored this; look before trying again."


class DatabaseUnavailableError(Exception):
    """PostgreSQL could not do it now; str() is fit for the caller of the API."""


TRY_LATER = (DatabaseUnavailableError, *DATABASE_ERRORS)
"""For background tasks, which go on for ever: also a table that a migration has yet to make."""


async def read(engine: AsyncEngine, work: Work[T], timeout_s: float | None = None) -> T:
    """Run `work` that may be repeated, without a COMMIT of its own; again if a connection broke.

    Raises:
        DatabaseUnavailableError: PostgreSQL is away, too slow or too busy.
    """
    attempt = 1
    while True:
        try:
            async with asyncio.timeout(timeout_s), engine.connect() as connection:
                return await work(connection)
        except DATABASE_ERRORS as error:
            if attempt == MAX_ATTEMPTS or not _is_worth_another_try(error):
                raise _translate(error) from error
            attempt += 1


async def write(engine: AsyncEngine, work: Work[T], was_done: WasDone[T] | None = None) -> T:
    """Run writing `work` in a transaction and return its result once that is committed.

    Where repeating the work would do harm, `was_done` tells from its result, in a transaction of
    its own, whether it is already in the database.

    Raises:
        DatabaseUnavailableError: nothing was written, unless the text says that this is unknown.
    """
    attempt = 1
    is_outcome_unknown = False
    while True:
        finished: list[T] = []
        try:
            async with engine.begin() as connection:
                finished.append(await work(connection))
            return finished[0]
        except DATABASE_ERRORS as error:
            sqlstate = _sqlstate(error)
            if finished and sqlstate not in _ROLLED_BACK:
                log.warning("commit_outcome_unknown", reason=str(error))
                is_outcome_unknown = was_done is None
                if was_done is not None and await _ask(engine, was_done, finished[0]):
                    return finished[0]
            elif not _is_worth_another_try(error):
                raise _translate(error, is_outcome_unknown) from error
            if attempt == MAX_ATTEMPTS:
                raise _translate(error, is_outcome_unknown) from error
            attempt += 1


async def _ask(engine: AsyncEngine, was_done: WasDone[T], result: T) -> bool:
    try:
        async with engine.begin() as connection:
            return await was_done(connection, result)
    except DATABASE_ERRORS as error:
        raise DatabaseUnavailableError(_OUTCOME_UNKNOWN) from error


def _is_worth_another_try(error: Exception) -> bool:
    """Tell a broken connection or a lost race from a server that is away or a wrong statement."""
    if not isinstance(error, DBAPIError):
        return False
    return (
        error.connection_invalidated
        or _sqlstate(error) in _ROLLED_BACK
        # Somebody changed the schema; the statement is prepared anew.
        or isinstance(error.driver_exception, InvalidCachedStatementError)
    )


def _sqlstate(error: Exception) -> str:
    driver_error = error.driver_exception if isinstance(error, DBAPIError) else error
    return getattr(driver_error, "sqlstate", None) or ""


def _translate(error: Exception, is_outcome_unknown: bool = False) -> Exception:
    """Return the error to raise: a bug in a statement stays what it is."""
    if is_outcome_unknown:
        return DatabaseUnavailableError(_OUTCOME_UNKNOWN)
    if isinstance(error, PoolTimeoutError):
        return DatabaseUnavailableError("All connections to the database are in use.")
    if sqlstate := _sqlstate(error):
        is_away = sqlstate.startswith(_UNAVAILABLE) or sqlstate in _ROLLED_BACK
    else:
        is_away = isinstance(error, DBAPIError) or not isinstance(error, SQLAlchemyError)
    if is_away or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return DatabaseUnavailableError("The database does not answer.")
    return error
