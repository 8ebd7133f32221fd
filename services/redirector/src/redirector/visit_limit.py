"""Links with a visit limit: each redirect takes one visit, and exactly as many as there are.

The count is one conditional UPDATE in PostgreSQL; nothing in a cache or a process could be exact.
"""

from sqlalchemy import Executable, and_, bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.schema import links

_ONE_LEFT = and_(
    links.c.id == bindparam("link_id"),
    # Null: the limit was lifted a moment ago, which the cache has not heard of yet.
    or_(links.c.visits_left > 0, links.c.visits_left.is_(None)),
)
_TAKE = (
    update(links)
    .where(_ONE_LEFT)
    .values(visits_left=links.c.visits_left - 1)
    .returning(links.c.id)
)
_LOOK = select(links.c.id).where(_ONE_LEFT)


class VisitLimit:
    """Takes visits through an autocommit engine on the primary; errors are SQLAlchemy's."""

    __slots__ = ("_engine",)

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def take(self, link_id: int) -> bool:
        """Take one visit; False when none is left."""
        return await self._finds_one(_TAKE, link_id)

    async def has_left(self, link_id: int) -> bool:
        """Tell whether a visit is left, without taking it: for bots, previews and HEAD."""
        return await self._finds_one(_LOOK, link_id)

    async def _finds_one(self, statement: Executable, link_id: int) -> bool:
        async with self._engine.connect() as connection:
            return (await connection.execute(statement, {"link_id": link_id})).first() is not None
