"""API keys: stored hashed, found by one indexed lookup, made, listed, disabled and renewed."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import LargeBinary, Text, bindparam, exists, literal, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_ignore
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.schema import api_keys
from shared.settings import Secret
from shortener.key_roles import Role
from shortener.link_scope import LinkScope
from shortener.transactions import read, write

INITIAL_NAME = "initial"

FIND_TIMEOUT_S = 1.5
"""Every call begins with this query, so it is what tells soon that PostgreSQL hangs; longer than a
free connection is waited for."""

_SELECT = select(
    api_keys.c.id,
    api_keys.c.name,
    api_keys.c.is_enabled,
    api_keys.c.expires_at,
    api_keys.c.roles,
    api_keys.c.domain,
)
_FIND = _SELECT.where(api_keys.c.key_hash == bindparam("hash"))
_LIST = _SELECT.order_by(api_keys.c.id)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that was found, and what it may do."""

    id: int
    name: str
    is_enabled: bool
    expires_at: datetime | None
    roles: Sequence[str] = ()
    domain: str | None = None
    """The one domain of the role DOMAIN_SPECIFIC."""

    def is_valid(self, now: datetime) -> bool:
        """Tell whether it opens anything at that time."""
        return self.is_enabled and (self.expires_at is None or now < self.expires_at)

    @property
    def is_admin(self) -> bool:
        """Whether it may do everything."""
        return not self.roles

    @property
    def scope(self) -> LinkScope:
        """Which links it may see."""
        return LinkScope(
            created_by=self.id if Role.AUTHORED_SHORT_URLS in self.roles else None,
            domain=self.domain if Role.DOMAIN_SPECIFIC in self.roles else None,
        )

    @property
    def sees_orphan_visits(self) -> bool:
        """Tell whether it may be shown visits that belong to no link."""
        return Role.NO_ORPHAN_VISITS not in self.roles


class ApiKeyTakenError(Exception):
    """There is a key of that name."""


class ApiKeyNotFoundError(Exception):
    """There is no key of that name."""


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

    async def list(self) -> Sequence[ApiKey]:
        """Return all keys, the oldest first."""
        result = await read(self._reading_engine, lambda on: on.execute(_LIST))
        return [ApiKey(*row) for row in result]

    async def create(
        self,
        name: str,
        *,
        roles: Sequence[Role] = (),
        domain: str | None = None,
        expires_at: datetime | None = None,
    ) -> Secret:
        """Make a new key and return it; it cannot be read again.

        Raises:
            ApiKeyTakenError: the name is in use.
        """
        key = secrets.token_urlsafe(32)
        statement = (
            insert_or_ignore(api_keys)
            .values(
                name=name,
                key_hash=_hash(key.encode()),
                roles=list(roles),
                domain=domain,
                expires_at=expires_at,
            )
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

    async def disable(self, name: str) -> None:
        """Let the key open nothing from now on; what it created stays.

        Raises:
            ApiKeyNotFoundError: there is no such key.
        """
        await self._change(name, is_enabled=False)

    async def rotate(self, name: str) -> Secret:
        """Replace the key by a new one of the same name, rights and short URLs, and return it.

        Raises:
            ApiKeyNotFoundError: there is no such key.
        """
        key = secrets.token_urlsafe(32)
        await self._change(name, key_hash=_hash(key.encode()))
        return Secret(key)

    async def _change(self, name: str, **values: object) -> None:
        statement = (
            update(api_keys)
            .where(api_keys.c.name == name)
            .values(**values)
            .returning(api_keys.c.id)
        )
        result = await write(self._engine, lambda on: on.execute(statement))
        if result.one_or_none() is None:
            raise ApiKeyNotFoundError


def utc_now() -> datetime:
    """Return the time that decides whether a key has expired."""
    return datetime.now(UTC)


def _hash(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
