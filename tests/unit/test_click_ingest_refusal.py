"""Which errors are a click's own fault."""

import asyncpg
import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from click_ingest.refusal import refusal_of


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (asyncpg.CheckViolationError("no partition"), "no_partition"),
        (asyncpg.NotNullViolationError("null"), "refused"),
        (asyncpg.CharacterNotInRepertoireError("0x00"), "refused"),
        (asyncpg.InvalidTextRepresentationError("inet"), "refused"),
        (asyncpg.NumericValueOutOfRangeError("big"), "refused"),
        (asyncpg.ProgramLimitExceededError("huge"), "refused"),
        (ValueError("invalid UUID"), "refused"),
        (OverflowError("value out of int64 range"), "refused"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_what_no_retry_can_change_is_a_refusal(error: Exception, fault: str) -> None:
    """Data that PostgreSQL or its driver will not have is refused, with what they said."""
    refusal = refusal_of(error)
    assert refusal is not None
    assert refusal.fault == fault
    assert str(error) in refusal.detail


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.DeadlockDetectedError(),
        asyncpg.SerializationError(),
        asyncpg.QueryCanceledError(),
        asyncpg.LockNotAvailableError(),
        asyncpg.AdminShutdownError(),
        asyncpg.CannotConnectNowError(),
        asyncpg.DiskFullError(),
        asyncpg.TooManyConnectionsError(),
        asyncpg.UndefinedColumnError(),
        asyncpg.UndefinedTableError(),
        asyncpg.InsufficientPrivilegeError(),
        asyncpg.ConnectionDoesNotExistError(),
        asyncpg.InterfaceError("connection is closed"),
        PoolTimeoutError(),
        ConnectionRefusedError(),
        TimeoutError(),
        KeyError("a mistake of ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_would_hit_any_click_is_none(error: Exception) -> None:
    """A sick database, a missing migration or a bug must never turn clicks into poison."""
    assert refusal_of(error) is None
