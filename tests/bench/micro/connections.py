"""Connections from nginx without a socket: requests go in, answers are only counted."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from redirector.protocol import RedirectProtocol
from redirector.redirect import Redirect


class Connections:
    """So many connections on which one request each is asked at the same time."""

    def __init__(self, redirect: Redirect, count: int) -> None:
        config = uvicorn.Config(_no_asgi, log_config=None, lifespan="off", interface="asgi3")
        config.load()
        self._left = 0
        self._answered: asyncio.Future[None] | None = None
        self._protocols = []
        for _ in range(count):
            protocol = RedirectProtocol(
                config=config, server_state=ServerState(), app_state={"redirect": redirect}
            )
            protocol.connection_made(_Transport(self))
            self._protocols.append(protocol)

    async def ask(self, head: bytes) -> None:
        """Send the request on all of them, and wait until all are answered."""
        self._left = len(self._protocols)
        self._answered = asyncio.get_running_loop().create_future()
        for protocol in self._protocols:
            protocol.data_received(head)
        await self._answered

    def answered(self, data: bytes) -> None:
        """Count an answer."""
        assert data.startswith(b"HTTP/1.1 302"), data
        self._left -= 1
        if not self._left and self._answered:
            self._answered.set_result(None)


class _Transport(asyncio.Transport):
    def __init__(self, connections: Connections) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self._connections = connections

    def write(self, data: Any) -> None:
        self._connections.answered(data)

    def is_closing(self) -> bool:
        return False


async def _no_asgi(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the request is not in nginx's form")
