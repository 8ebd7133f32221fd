"""An answer of JSON lines that is sent while the request's body is still arriving."""

from collections.abc import AsyncIterator

import msgspec
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class StreamedLines(Response):
    """Not Starlette's own stream: that one reads the request to see when its caller leaves, and
    would swallow the body.
    """

    media_type = "application/x-ndjson"

    def __init__(self, lines: AsyncIterator[object]) -> None:
        # Without the second header nginx would keep the lines until it has enough of them.
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send each line as soon as it is there; nothing more once the caller has left."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        try:
            async for line in self._lines:
                body = msgspec.json.encode(line) + b"\n"
                await send({"type": "http.response.body", "body": body, "more_body": True})
        except ClientDisconnect:
            return
        await send({"type": "http.response.body", "body": b""})
