"""The hot path's way to Redis: one connection of its own, with nothing between command and reply.

redis-py takes a connection out of its pool for each command, under locks, and gives every reply
its own timeout: several times what the command costs (docs/adr/0011). A redirect asks Redis one
thing, one batch at a time, so it needs neither. All other commands go through redis-py.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from redirector.redis_connection import RedisConnection, open_connection
from shared.settings import Secret

OVERDUE_S = 1.0
"""After so long a reply, or an open connection, is not expected any more."""


class RedisReads:
    """Reads from the Redis of a URL, over a connection that is opened when it is needed.

    Time limits are the caller's, and short. A command that is given up leaves its connection to
    the others, and so does one that gives up while the connection is being opened: on a machine
    that stalls, beginning anew each time would never come to an end. What has not answered for
    `overdue_s` is dropped and opened again.
    """

    __slots__ = ("_client_name", "_connection", "_opening", "_overdue_s", "_tasks", "_url")

    def __init__(
        self,
        url: Secret,
        *,
        client_name: str,
        tasks: asyncio.TaskGroup,
        overdue_s: float = OVERDUE_S,
    ) -> None:
        self._url = url
        self._overdue_s = overdue_s
        self._client_name = client_name
        self._tasks = tasks
        self._connection: RedisConnection | None = None
        self._opening: asyncio.Future[RedisConnection] | None = None

    async def mget(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the values of all keys in one round trip, None for those that do not exist.

        Raises:
            OSError | hiredis.HiredisError: Redis cannot be reached, or refuses.
        """
        values: list[bytes | None] = await self._ask("MGET", *keys)
        return values

    async def ping(self) -> None:
        """Raise as above unless Redis answers."""
        await self._ask("PING")

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()

    async def _ask(self, *words: str) -> Any:
        connection = self._connection
        if connection is None or not connection.is_usable:
            connection = await asyncio.shield(self._open())
        return await connection.ask(*words)

    def _open(self) -> "asyncio.Future[RedisConnection]":
        """Return the future connection, which everybody who needs one waits for."""
        if self._opening is None:
            self.close()
            self._opening = asyncio.get_running_loop().create_future()
            self._tasks.create_task(self._connect(self._opening))
        return self._opening

    async def _connect(self, opening: "asyncio.Future[RedisConnection]") -> None:
        try:
            async with asyncio.timeout(self._overdue_s):
                self._connection = await open_connection(
                    self._url, client_name=self._client_name, overdue_s=self._overdue_s
                )
        except Exception as error:  # theirs who wait, and nobody's if all have gone
            opening.set_exception(error)
            opening.exception()
        else:
            opening.set_result(self._connection)
        finally:
            self._opening = None
