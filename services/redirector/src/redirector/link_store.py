"""Links read from PostgreSQL, many in one statement, on autocommit connections."""

from collections.abc import Sequence

from sqlalchemy import Text, any_, bindparam, cast, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.schema import links
from shared.link import Link, link_of_row
from shared.link_cache import LinkKey

# Two arrays, so a batch over several domains may read a row too many; the key sorts it out.
_FIND = select(
    links.c.domain,
    links.c.short_code,
    links.c.version,
    links.c.id,
    links.c.long_url,
    links.c.valid_since,
    links.c.valid_until,
    links.c.max_visits,
    links.c.forward_query,
    cast(links.c.rules, Text).label("rules"),
    links.c.blocked_by,
).where(
    links.c.domain == any_(bindparam("domains", type_=ARRAY(Text))),
    links.c.short_code == any_(bindparam("codes", type_=ARRAY(Text))),
)


class LinkStore:
    """Reads links through an engine that is made with `autocommit`."""

    __slots__ = ("_engine",)

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find_many(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
        """Return the links among `keys` that exist.

        Raises:
            sqlalchemy.exc.SQLAlchemyError | OSError: also at a second try, if a connection broke.
        """
        parameters = {
            "domains": list({domain for domain, _ in keys}),
            "codes": [code for _, code in keys],
        }
        try:
            return await self._find(parameters)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return await self._find(parameters)

    async def _find(self, parameters: dict[str, list[str]]) -> dict[LinkKey, Link]:
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_FIND, parameters)).all()
        return {
            (row.domain, row.short_code): link_of_row(
                version=row.version,
                link_id=row.id,
                long_url=row.long_url,
                valid_since=row.valid_since,
                valid_until=row.valid_until,
                max_visits=row.max_visits,
                forward_query=row.forward_query,
                rules=row.rules,
                is_blocked=row.blocked_by is not None,
            )
            for row in rows
        }

    async def ping(self) -> None:
        """Raise unless PostgreSQL answers."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
