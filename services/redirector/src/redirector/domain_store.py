"""Redirects of domains, read from PostgreSQL."""

from collections.abc import Collection, Mapping

from sqlalchemy import Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from redirector.not_found import Redirects
from shared.click_event import ClickType
from shared.db.schema import blocked_domains, domains
from shared.redirect_host import domains_above, redirect_host

_KINDS: Mapping[str, ClickType] = {
    "base_url_redirect": "base_url",
    "regular_404_redirect": "regular_404",
    "invalid_short_url_redirect": "invalid_short_url",
}
_FIND = select(domains.c.authority, *(domains.c[name] for name in _KINDS)).where(
    func.num_nonnulls(*(domains.c[name] for name in _KINDS)) > 0
)
_ANY_BLOCKED = select(blocked_domains.c.domain).where(
    blocked_domains.c.domain == func.any(bindparam("domains", type_=ARRAY(Text)))
)


class DomainStore:
    """Reads domains through an engine that is made with `autocommit`."""

    __slots__ = ("_engine",)

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find_redirects(self) -> Mapping[str, Redirects]:
        """Return the redirects of all domains that have any; one to a blocked domain is none.

        Raises:
            sqlalchemy.exc.SQLAlchemyError | OSError | TimeoutError: PostgreSQL does not answer.
        """
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_FIND)).mappings().all()
            hosts = {redirect_host(row[name]) for row in rows for name in _KINDS if row[name]}
            above = {host: domains_above(host) for host in hosts if host}
            blocked = await _blocked(connection, {each for of in above.values() for each in of})
        down = {host for host, of in above.items() if not blocked.isdisjoint(of)}
        return {
            row["authority"]: {
                kind: row[name]
                for name, kind in _KINDS.items()
                if row[name] and redirect_host(row[name]) not in down
            }
            for row in rows
        }


async def _blocked(connection: AsyncConnection, names: Collection[str]) -> set[str]:
    if not names:
        return set()
    result = await connection.execute(_ANY_BLOCKED, {"domains": list(names)})
    return set(result.scalars())
