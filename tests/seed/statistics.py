"""Statistics by day of the clicks that are seeded, as click-ingest would have folded them."""

import asyncio

from click_ingest.statistics_fold import StatisticsFold
from click_ingest.statistics_store import is_our_turn
from tests.seed.click_rows import ClickRows
from tests.seed.connections import Connection

_INSERT = "INSERT INTO click_deltas (clicks, delta) VALUES ($1, $2)"
_IS_LEFT = "SELECT EXISTS (SELECT FROM click_deltas)"
_AGAIN_S = 0.05


class Statistics:
    """Leaves a delta beside each transaction's clicks, and folds what was left."""

    def __init__(self) -> None:
        self._fold = StatisticsFold()
        self._turn = asyncio.Lock()

    async def leave(self, connection: Connection, rows: ClickRows) -> None:
        """Insert the delta of these rows within the caller's transaction."""
        await connection.execute(_INSERT, len(rows.targets), rows.delta())

    async def fold(self, connection: Connection) -> None:
        """Fold all deltas that there are, in turn with a worker that does the same."""
        async with self._turn:
            while await connection.fetchval(_IS_LEFT):
                async with connection.transaction():
                    await connection.execute("SET LOCAL synchronous_commit = off")
                    if await is_our_turn(connection):
                        await self._fold.step(connection)
                        continue
                await asyncio.sleep(_AGAIN_S)
