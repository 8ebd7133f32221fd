"""What is raised when the database is away, or a connection to it breaks."""

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

DATABASE_ERRORS = (
    SQLAlchemyError,
    # The driver's own: some statements go past SQLAlchemy, and it passes on what it meets while it
    # prepares a new connection. The last is what a server's farewell between two statements makes
    # of the next one; it is neither of the other two.
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""A wrong statement is among them: to whoever goes on for ever it is one more reason to try later,
for it may be a table that a migration has yet to make."""
