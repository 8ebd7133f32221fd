"""Connections for seeding, and rows by COPY in text form, which is what costs Python least."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import asyncpg

LANES = 2
"""PostgreSQL works on two cores then; making the rows takes half of a third."""

PIECE_ROWS = 500

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True, slots=True)
class Lanes:
    """A few connections that do the same thing side by side."""

    connections: Sequence[Connection]

    @property
    def first(self) -> Connection:
        """The one for what is done once."""
        return self.connections[0]

    async def each(self, work: Callable[[Connection], Coroutine[Any, Any, None]]) -> None:
        """Do the work on all of them at once; the first error ends it."""
        try:
            async with asyncio.TaskGroup() as group:
                for connection in self.connections:
                    group.create_task(work(connection))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None


@asynccontextmanager
async def lanes(dsn: str, count: int = LANES) -> AsyncIterator[Lanes]:
    """Open the connections and close them."""
    async with AsyncExitStack() as stack:
        opened = []
        for number in range(count):
            connection = await asyncpg.connect(
                dsn, timeout=10, server_settings={"application_name": f"qck seed {number}"}
            )
            stack.push_async_callback(connection.close)
            opened.append(connection)
        yield Lanes(opened)


async def copy_rows(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[str]
) -> None:
    """Copy rows that are in PostgreSQL's text form already: tabs between values, a line each."""

    async def pieces() -> AsyncIterator[bytes]:
        iterator = iter(rows)
        while piece := "".join(islice(iterator, PIECE_ROWS)):
            yield piece.encode()

    await connection.copy_to_table(table, source=pieces(), columns=columns)


def copied(text: str) -> str:
    """Return a text of one line as it is written in a row."""
    return text.replace("\\", "\\\\")
