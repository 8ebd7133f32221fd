"""Raw connections through which many visitors come at once.

The work of an HTTP client for each would keep them from being a crowd: four hundred clients in one
process are slower than two redirectors.
"""

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeptConnection:
    """One visitor, who asks for one thing at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def ask(self, target: str, headers: str = "") -> None:
        """Send a request, without waiting for what becomes of it."""
        head = f"GET /{target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
        self.writer.write(head.encode())

    async def answer(self) -> tuple[int, dict[str, str]]:
        """Return the status and the headers of the next answer."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in lines if line)
        headers = {name.lower(): text.strip() for name, _, text in fields}
        await self.reader.readexactly(int(headers["content-length"]))
        return int(status_line.split(" ", 2)[1]), headers


@asynccontextmanager
async def kept_connections(count: int, port: int) -> AsyncIterator[list[KeptConnection]]:
    """Connect visitors, and let them go again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A shell gives a process 1,024 descriptors.
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    visitors: list[KeptConnection] = []
    try:
        while len(visitors) < count:
            visitors.append(KeptConnection(*await asyncio.open_connection("127.0.0.1", port)))
        yield visitors
    finally:
        for visitor in visitors:
            visitor.writer.close()
            await visitor.writer.wait_closed()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
