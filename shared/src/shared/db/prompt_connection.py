"""A connection to PostgreSQL that is over when its user is done with it, whatever the server does.

SQLAlchemy closes the connection of a statement that was cancelled, and asyncpg's way to close is
to tell the server and wait for it: two seconds more than the deadline if the server is frozen.
Nobody needs that wait. The server sees the connection end, and `statement_timeout` ends what it
still computes.
"""

import asyncpg


class PromptConnection(asyncpg.Connection):
    """Closes at once.

    In the driver's own class, which the driver lets its users choose, since every way in which
    SQLAlchemy gives a connection up ends in `close` or `terminate` of the driver. An event of the
    pool would miss a connection that is given up while it is being set up, and what SQLAlchemy's
    dialect calls to terminate a connection is not for others to replace.
    """

    __slots__ = ()

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - inherited
        """Close without waiting for the server."""
        self.terminate()
