"""An answer of JSON lines, each sent as soon as it is there."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import msgspec
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class StreamedLines(StreamingResponse):
    """Ends, with what it holds, also when its caller leaves."""

    media_type = "application/x-ndjson"

    def __init__(self, lines: AsyncIterator[object], held: AsyncExitStack) -> None:
        # Without the second header nginx would keep the lines until it has enough of them.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(_encoded(lines), headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the lines; what is held is closed afterwards, come what may."""
        async with self._held:
            await super().__call__(scope, receive, send)


async def _encoded(lines: AsyncIterator[object]) -> AsyncIterator[bytes]:
    async for line in lines:
        yield msgspec.json.encode(line) + b"\n"
