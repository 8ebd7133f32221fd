"""What every change of a link has in common.

The versions that order all states of a link come from one sequence, and must be drawn in the order
in which the changes commit. So a change draws its version only once it holds what it changes: an
edit the row, a creation or deletion the lock of the code. (Without that lock, an INSERT that waits
for a concurrent DELETE has drawn its version before it waits, lower than the tombstone's, and
redirectors would go on answering "unknown".)
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, cast, exists, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.schema import links
from shared.link_cache import LinkKey
from shortener.advisory_locks import lock_codes
from shortener.link_outbox import OutboxEntry
from shortener.link_scope import EVERYTHING, OF_AUTHOR, LinkScope
from shortener.stored_link import SELECT_STORED, StoredLink, stored_link


class LinkNotFoundError(Exception):
    """There is no link that `key` is about."""

    def __init__(self, key: LinkKey) -> None:
        super().__init__(key)
        self.key = key


class LinkChangedError(Exception):
    """The link is not in a state that the change was meant for."""


Versions = Collection[int] | None
"""The versions that a change is meant for; None for whatever the link is."""


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A link after its change (for a deletion: before it), and the outbox row if it changed."""

    link: StoredLink
    entry: OutboxEntry | None


# Statements are made once: making one costs more than PostgreSQL needs to answer it.
_IS_LINK = (
    links.c.domain == bindparam("domain_of_link"),
    links.c.short_code == bindparam("code_of_link"),
)
_SELECT_LINK = SELECT_STORED.where(*_IS_LINK, OF_AUTHOR)
_SELECT_LINK_AND_HOLD_IT = _SELECT_LINK.with_for_update(of=links)
_NO_DOMAINS = cast([], ARRAY(Text))
_IS_THERE = select(exists().where(links.c.id == bindparam("link_id"), *_IS_LINK))


def blocking_domain(long_url: Any, rules: Any) -> ColumnElement[str | None]:
    """Return what `links.blocked_by` must be of a link with this long URL and these rules."""
    of_rules = func.coalesce(func.rule_domains(rules), _NO_DOMAINS)
    return func.blocking_domain(func.array_cat(func.url_domains(long_url), of_rules))


async def find_link(
    connection: AsyncConnection,
    key: LinkKey,
    scope: LinkScope = EVERYTHING,
    *,
    to_change: bool = False,
) -> StoredLink:
    """Read the link; `to_change` holds its row until the transaction ends.

    Raises:
        LinkNotFoundError: there is no such link in the scope.
    """
    statement = _SELECT_LINK_AND_HOLD_IT if to_change else _SELECT_LINK
    parameters = {**_parameters(key), "author": scope.created_by}
    row = (await connection.execute(statement, parameters)).one_or_none()
    if row is None or not scope.includes(key):
        raise LinkNotFoundError(key)
    return stored_link(row)


async def was_created(connection: AsyncConnection, change: LinkChange) -> bool:
    """Tell whether the link of a creation is there; waits for a COMMIT that is on its way."""
    await lock_codes(connection, [change.link.key])
    parameters = {"link_id": change.link.id, **_parameters(change.link.key)}
    return bool((await connection.execute(_IS_THERE, parameters)).scalar_one())


async def is_version_there(connection: AsyncConnection, change: LinkChange) -> bool:
    """Tell whether the link is as the change left it; waits likewise."""
    await lock_codes(connection, [change.link.key])
    try:
        link = await find_link(connection, change.link.key, to_change=True)
    except LinkNotFoundError:
        return False
    return (link.id, link.version) == (change.link.id, change.link.version)


async def was_deleted(connection: AsyncConnection, change: LinkChange) -> bool:
    """Tell whether the link of a deletion is gone; waits likewise."""
    return not await was_created(connection, change)


def check_version(link: StoredLink, versions: Versions) -> None:
    """Raise unless the link, whose row is held, is in one of these states.

    Raises:
        LinkChangedError: it is not.
    """
    if versions is not None and link.version not in versions:
        raise LinkChangedError


def hash_long_url(href: str) -> bytes:
    """Return what links with this long URL are found by."""
    return hashlib.sha256(href.encode()).digest()


def _parameters(key: LinkKey) -> dict[str, str]:
    return {"domain_of_link": key[0], "code_of_link": key[1]}
