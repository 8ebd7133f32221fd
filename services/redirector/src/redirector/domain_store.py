"""Redirects of domains, read from PostgreSQL."""

from collections.abc import Mapping

from sqlalchemy import Text, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncEngine

from redirector.not_found import Redirects
from shared.click_event import ClickType
from shared.db.schema import domains
from shared.redirect_host import redirect_host

_KINDS: Mapping[str, ClickType] = {
    "base_url_redirect": "base_url",
    "regular_404_redirect": "regular_404",
    "invalid_short_url_redirect": "invalid_short_url",
}
_FIND = select(domains.c.authority, *(domains.c[name] for name in _KINDS)).where(
    func.num_nonnulls(*(domains.c[name] for name in _KINDS)) > 0
)
_BLOCKED = text(
    "SELECT host FROM unnest(:hosts) AS host"
    " WHERE blocking_domain(url_domains('http://' || host || '/')) IS NOT NULL"
).bindparams(bindparam("hosts", type_=ARRAY(Text)))


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
            blocked = set(await connection.scalars(_BLOCKED, {"hosts": list(hosts - {""})}))
        return {
            row["authority"]: {
                kind: row[name]
                for name, kind in _KINDS.items()
                if row[name] and redirect_host(row[name]) not in blocked
            }
            for row in rows
        }
