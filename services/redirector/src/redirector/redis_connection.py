"""One connection to Redis: commands written at once, replies handed out in their order."""

import asyncio
from collections import deque
from typing import Any

import hiredis
from redis.asyncio.connection import SSLConnection, parse_url

from shared.settings import Secret

_DEFAULT_PORT = 6379


class RedisConnection(asyncio.Protocol):
    """Sends commands without waiting for earlier replies; Redis answers in the same order."""

    __slots__ = ("_loop", "_overdue_s", "_reader", "_transport", "_waiting")

    def __init__(self, overdue_s: float) -> None:
        self._overdue_s = overdue_s
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._transport: Any = None

    @property
    def is_usable(self) -> bool:
        """Whether it is open and its oldest reply is not overdue."""
        if self._transport.is_closing():
            return False
        return not self._waiting or self._loop.time() < self._waiting[0][0] + self._overdue_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport

    def ask(self, *words: Any) -> "asyncio.Future[Any]":
        """Return the reply's future; it fails with `hiredis.ReplyError` or `ConnectionError`."""
        reply = self._loop.create_future()
        self._waiting.append((self._loop.time(), reply))
        self._transport.write(hiredis.pack_command(words))
        return reply

    def data_received(self, data: bytes) -> None:
        """Give each whole reply to whom it belongs."""
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:  # False: the rest is not here yet
            _, waiting = self._waiting.popleft()
            if waiting.done():  # given up meanwhile
                continue
            if isinstance(reply, hiredis.ReplyError):
                waiting.set_exception(reply)
            else:
                waiting.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what waits."""
        for _, waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(ConnectionError(f"Redis closed the connection: {exc!r}"))

    def close(self) -> None:
        """Close it at once, whatever waits."""
        self._transport.abort()


async def open_connection(url: Secret, *, client_name: str, overdue_s: float) -> RedisConnection:
    """Connect and log in, to where redis-py would take the URL (TCP, TLS, Unix socket, ACL).

    Raises:
        OSError | hiredis.HiredisError: Redis cannot be reached, or refuses.
    """

    def create() -> RedisConnection:
        return RedisConnection(overdue_s)

    loop = asyncio.get_running_loop()
    target: dict[str, Any] = {**parse_url(url.reveal())}
    is_secure = target.pop("connection_class", None) is SSLConnection
    if "path" in target:
        _, connection = await loop.create_unix_connection(create, target["path"])
    else:
        _, connection = await loop.create_connection(
            create,
            target.get("host", "localhost"),
            target.get("port", _DEFAULT_PORT),
            ssl=SSLConnection(**target).ssl_context.get() if is_secure else None,
        )
    try:
        if "password" in target:
            user = [target["username"]] if "username" in target else []
            await connection.ask("AUTH", *user, target["password"])
        await connection.ask("CLIENT", "SETNAME", client_name.replace(" ", "-"))
        await connection.ask("SELECT", target.get("db", 0))
    except BaseException:
        connection.close()
        raise
    return connection
