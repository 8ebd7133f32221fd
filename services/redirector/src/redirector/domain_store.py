"""Redirects of domains, read from PostgreSQL."""

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from redirector.not_found import Redirects
from shared.click_event import ClickType
from shared.db.schema import domains

_KINDS: Mapping[str, ClickType] = {
    "base_url_redirect": "base_url",
    "regular_404_redirect": "regular_404",
    "invalid_short_url_redirect": "invalid_short_url",
}
_FIND = select(domains.c.authority, *(domains.c[name] for name in _KINDS)).where(
    func.num_nonnulls(*(domains.c[name] for name in _KINDS)) > 0
)


class DomainStore:
    """Reads domains through an engine that is made with `autocommit`."""

    __slots__ = ("_engine",)

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find_redirects(self) -> Mapping[str, Redirects]:
        """Return the redirects of all domains that have any.

        Raises:
            sqlalchemy.exc.SQLAlchemyError | OSError | TimeoutError: PostgreSQL does not answer.
        """
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_FIND)).mappings().all()
        return {
            row["authority"]: {kind: row[name] for name, kind in _KINDS.items() if row[name]}
            for row in rows
        }
