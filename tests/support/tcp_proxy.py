"""A door to a server that a test can shut, jam, or slam at one chosen moment.

Unlike killing the server it leaves that to everybody else, and it can break a connection exactly
between a request and its answer.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

_CHUNK = 65536
_TURNS = 10


class TcpProxy:
    """Forwards connections to `host:port` until told otherwise."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._is_shut = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._trigger: bytes | None = None
        self._once_sent = b""
        self._delivers_trigger = True
        self._open: set[asyncio.StreamWriter] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._told: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None] | None] = set()
        self.triggered = asyncio.Event()

    def shut(self) -> None:
        """Close all connections and every new one at once, like a dead server."""
        self._is_shut = True
        for writer in list(self._open):
            writer.transport.abort()

    def freeze(self) -> None:
        """Accept everything and answer nothing, like a server that is stopped with SIGSTOP."""
        self._flowing.clear()

    def mend(self) -> None:
        """Forward again."""
        self._is_shut = False
        self._flowing.set()

    def lead_to(self, port: int) -> None:
        """Forward new connections to another server; those that are open stay where they are."""
        self._target = (self._target[0], port)

    async def tell(self, message: bytes) -> None:
        """Send all that are connected a last word that the server did not say, and have it read.

        What the server says after it is not forwarded: it closes the connection.
        """
        for writer in self._clients:
            writer.write(message)
        self._told |= self._clients
        # Loopback delivers at once; this gives whoever reads in this loop a turn to do so.
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def shut_on(self, trigger: bytes, *, after_delivery: bool, once_sent: bytes = b"") -> None:
        """Shut when a client next sends `trigger`, before or after the server gets it.

        With `once_sent`, only a connection counts that has sent that since: among several clients
        it tells the one that is meant.
        """
        self._trigger = trigger
        self._once_sent = once_sent
        self._delivers_trigger = after_delivery

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection."""
        if self._is_shut:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        self._serving.add(task)
        server_reader, server_writer = await asyncio.open_connection(*self._target)
        both = {writer, server_writer}
        self._open |= both
        self._clients.add(writer)
        async with asyncio.TaskGroup() as both_ways:
            both_ways.create_task(self._pump(reader, server_writer, is_request=True))
            both_ways.create_task(self._pump(server_reader, writer, is_request=False))
        self._open -= both
        self._clients.discard(writer)
        self._told.discard(writer)
        self._serving.discard(task)

    async def wait_until_closed(self) -> None:
        """Wait until no connection is left."""
        if tasks := [task for task in self._serving if task is not None]:
            await asyncio.wait(tasks)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_request: bool
    ) -> None:
        is_meant = False
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._flowing.wait()
                if writer in self._told:
                    break
                if is_request and self._trigger is not None:
                    is_meant = is_meant or self._once_sent in data
                    if is_meant and self._trigger in data:
                        await self._slam(data, writer)
                        return
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _slam(self, data: bytes, server: asyncio.StreamWriter) -> None:
        self._trigger = None
        if self._delivers_trigger:
            server.write(data)
            await server.drain()
        self.shut()
        self.triggered.set()


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[tuple[TcpProxy, str]]:
    """Give a proxy before the server of `url`, and the URL that goes through it."""
    parts = urlsplit(url)
    proxy = TcpProxy(parts.hostname or "127.0.0.1", parts.port or 0)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    login, at, _ = parts.netloc.rpartition("@")
    try:
        yield proxy, urlunsplit(parts._replace(netloc=f"{login}{at}127.0.0.1:{port}"))
    finally:
        server.close()
        proxy.mend()
        proxy.shut()
        # Who was accepted a moment ago has yet to see that it is shut.
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        await proxy.wait_until_closed()
