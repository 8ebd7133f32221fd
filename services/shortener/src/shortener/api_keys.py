"""API keys: stored hashed, found by one indexed lookup; `python -m shortener.api_keys NAME`."""

import asyncio
import hashlib
import os
import secrets
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from sqlalchemy import LargeBinary, Text, bindparam, exists, literal, select
from sqlalchemy.dialects.postgresql import insert as insert_or_ignore
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.engine import create_engine
from shared.db.schema import api_keys
from shared.settings import DatabaseSettings, Secret, SettingsError, load
from shortener.transactions import DatabaseUnavailableError, read, write

INITIAL_NAME = "initial"

FIND_TIMEOUT_S = 1.5
"""Every call begins with this query, so it is what tells soon that PostgreSQL hangs; longer than a
free connection is waited for."""

_FIND = select(
    api_keys.c.id,
    api_keys.c.name,
    api_keys.c.is_enabled,
    api_keys.c.expires_at,
    api_keys.c.role,
).where(api_keys.c.key_hash == bindparam("hash"))


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that was found, and what it may do."""

    id: int
    name: str
    is_enabled: bool
    expires_at: datetime | None
    role: str = "admin"

    @property
    def is_admin(self) -> bool:
        """Whether it may do everything."""
        return self.role == "admin"

    def is_valid(self, now: datetime) -> bool:
        """Tell whether it opens anything at that time."""
        return self.is_enabled and (self.expires_at is None or now < self.expires_at)


class ApiKeyTakenError(Exception):
    """There is a key of that name."""


class ApiKeys:
    """The keys in PostgreSQL; raises `DatabaseUnavailableError` when that is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading_engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def find(self, key: bytes) -> ApiKey | None:
        """Return the key if it is known, whether it is valid or not."""
        parameters = {"hash": _hash(key)}
        result = await read(
            self._reading_engine, lambda on: on.execute(_FIND, parameters), FIND_TIMEOUT_S
        )
        row = result.one_or_none()
        return None if row is None else ApiKey(*row)

    async def create(self, name: str) -> Secret:
        """Make a new key and return it; it cannot be read again.

        Raises:
            ApiKeyTakenError: the name is in use.
        """
        key = secrets.token_urlsafe(32)
        statement = (
            insert_or_ignore(api_keys)
            .values(name=name, key_hash=_hash(key.encode()))
            .on_conflict_do_nothing()
            .returning(api_keys.c.id)
        )
        result = await write(self._engine, lambda on: on.execute(statement))
        if result.one_or_none() is None:
            raise ApiKeyTakenError
        return Secret(key)

    async def create_initial(self, key: Secret) -> bool:
        """Store the key if there is none at all; tell whether it was stored."""
        key_hash = literal(_hash(key.reveal().encode()), LargeBinary)
        row = select(key_hash, literal(INITIAL_NAME, Text))
        only_if_none = row.where(~exists(api_keys.select()))
        statement = (
            insert_or_ignore(api_keys)
            .from_select(["key_hash", "name"], only_if_none)
            .on_conflict_do_nothing()
            .returning(api_keys.c.id)
        )
        result = await write(self._engine, lambda on: on.execute(statement))
        return result.one_or_none() is not None


def utc_now() -> datetime:
    """Return the time that decides whether a key has expired."""
    return datetime.now(UTC)


def _hash(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


class ApiKeySettings(msgspec.Struct, frozen=True):
    """What the command line reads."""

    database: DatabaseSettings


async def _create(settings: ApiKeySettings, name: str) -> Secret:
    engine = create_engine(
        settings.database.url,
        application_name="qck-api-keys",
        pool_size=1,
        statement_timeout_s=5,
    )
    try:
        return await ApiKeys(engine).create(name)
    finally:
        await engine.dispose()


def main() -> None:
    """Make a key of the name that is the only argument, and print it this once."""
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        raise SystemExit("usage: python -m shortener.api_keys NAME")
    name = sys.argv[1].strip()
    try:
        settings = load(ApiKeySettings, os.environ)  # noqa: TID251 - an entry point
        key = asyncio.run(_create(settings, name))
    except ApiKeyTakenError:
        raise SystemExit(f"api_keys: there is a key named {name!r} already") from None
    except (SettingsError, DatabaseUnavailableError) as error:
        raise SystemExit(f"api_keys: {error}") from None
    print(key.reveal())  # noqa: T201 - what the command is for


if __name__ == "__main__":
    main()
