"""Seeding links: a block of ids is set apart, and two connections copy its rows.

Adds to what is there. A chunk that meets a code which is taken, by a link that somebody made or by
the links of another seed, is copied again under other ids, so with other codes.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from shared.short_code import is_reserved
from tests.seed.connections import Connection, copy_rows, lanes
from tests.seed.link_maker import LinkMaker

AGE = timedelta(days=365)
"""The links were made one after another in the year before the clicks begin."""

_COLUMNS = (
    "id", "short_code", "long_url", "long_url_hash", "title", "created_at"
)  # fmt: skip

Progress = Callable[[int], object]
"""Called with the number of rows that were just committed."""


@dataclass(frozen=True, slots=True)
class SeededLinks:
    """Which links a run has made; `codes` lists them without a look at the database."""

    seed: int
    blocks: tuple[range, ...]
    """Their ids."""

    def __len__(self) -> int:
        return sum(map(len, self.blocks))

    def codes(self) -> Iterator[str]:
        """Yield every code, in the order of `blocks`."""
        maker = LinkMaker(self.seed)
        return (maker.code(link_id) for block in self.blocks for link_id in block)


class _ReservedCodeError(Exception):
    """A code among those of a chunk is kept free for paths of our own."""


async def seed_links(
    dsn: str,
    count: int,
    *,
    seed: int = 1,
    ends_at: datetime | None = None,
    chunk_rows: int = 10_000,
    progress: Progress = lambda rows: None,
) -> SeededLinks:
    """Add `count` links; in an empty database the same arguments make the same rows.

    `ends_at` is when the last of them was made: 90 days ago, if not given. `chunk_rows` is how
    many go into one transaction.
    """
    ends_at = ends_at or datetime.now(UTC) - timedelta(days=90)
    maker = LinkMaker(seed)
    blocks: list[range] = []
    if count == 0:
        return SeededLinks(seed, ())
    async with lanes(dsn) as run:
        ids = await _set_apart(run.first, count)
        chunks = deque(ids[first : first + chunk_rows] for first in range(0, count, chunk_rows))

        async def copy(connection: Connection) -> None:
            while chunks:
                chunk = chunks.popleft()
                made_at = ends_at - AGE * ((ids.stop - chunk.start) / count)
                while not await _is_copied(connection, maker, chunk, made_at, AGE / count):
                    chunk = await _set_apart(connection, len(chunk))
                blocks.append(chunk)
                progress(len(chunk))

        await run.each(copy)
        await run.first.execute("ANALYZE links")
    return SeededLinks(seed, tuple(sorted(blocks, key=lambda block: block.start)))


async def _set_apart(connection: Connection, count: int) -> range:
    """Take the next `count` ids, in one piece: whoever inserts links waits for an instant."""
    async with connection.transaction():
        await connection.execute("LOCK TABLE links IN SHARE ROW EXCLUSIVE MODE")
        first: int = await connection.fetchval("SELECT nextval('links_id_seq')")
        if count > 1:
            await connection.execute("SELECT setval('links_id_seq', $1)", first + count - 1)
    return range(first, first + count)


async def _is_copied(
    connection: Connection, maker: LinkMaker, ids: range, made_at: datetime, apart: timedelta
) -> bool:
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL synchronous_commit = off")
            await copy_rows(connection, "links", _COLUMNS, _rows(maker, ids, made_at, apart))
    except (asyncpg.UniqueViolationError, _ReservedCodeError):
        return False
    return True


def _rows(maker: LinkMaker, ids: range, made_at: datetime, apart: timedelta) -> Iterator[str]:
    for link_id in ids:
        made_at += apart
        code = maker.code(link_id)
        if is_reserved(code):
            raise _ReservedCodeError
        url = maker.long_url(link_id)
        digest = hashlib.sha256(url.encode()).hexdigest()
        title = f"Link {link_id}" if link_id % 3 == 0 else r"\N"
        yield f"{link_id}\t{code}\t{url}\t\\\\x{digest}\t{title}\t{made_at}\n"
