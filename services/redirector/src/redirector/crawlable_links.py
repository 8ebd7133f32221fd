"""Which short codes crawlers may follow, read from PostgreSQL by an index that has no others."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Text, bindparam, func, lateral, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.schema import links

_wanted = (
    func.unnest(bindparam("domains", type_=ARRAY(Text)))
    .table_valued("domain")
    .render_derived(name="wanted")
)
_codes = lateral(
    select(links.c.short_code)
    .where(links.c.domain == _wanted.c.domain, links.c.crawlable)
    .order_by(links.c.short_code)
    .limit(bindparam("limit"))
)
_FIND = select(_wanted.c.domain, _codes.c.short_code).select_from(_wanted).join(_codes, true())


class CrawlableLinks:
    """Reads through an engine that is made with `autocommit`."""

    __slots__ = ("_engine",)

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, domains: Sequence[str], limit: int) -> Mapping[str, Sequence[str]]:
        """Return the first `limit` crawlable codes of each domain, in one statement.

        Raises:
            sqlalchemy.exc.SQLAlchemyError | OSError | TimeoutError: PostgreSQL does not answer.
        """
        found: dict[str, list[str]] = {domain: [] for domain in domains}
        async with self._engine.connect() as connection:
            rows = await connection.execute(_FIND, {"domains": [*found], "limit": limit})
            for domain, code in rows:
                found[domain].append(code)
        return found
