"""A request's body that is too large for memory: all of it in a file before any of it is read.

nginx sends a body no further once the answer to it has begun, so who answers bit by bit must have
received all of it before.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from starlette.datastructures import UploadFile
from starlette.requests import Request

from shortener.problems import payload_too_large, service_unavailable

MEMORY_BYTES = 1024 * 1024
"""A shorter body makes no file."""
CHUNK_BYTES = 64 * 1024


@asynccontextmanager
async def received_body(request: Request, max_bytes: int) -> AsyncIterator[AsyncIterator[bytes]]:
    """Provide the whole body, in chunks; the file goes with the context.

    Raises:
        Problem: the body is too large, or the disk has no room for it.
    """
    with SpooledTemporaryFile(MEMORY_BYTES) as spooled:
        file = UploadFile(cast(BinaryIO, spooled), size=0)
        async for chunk in request.stream():
            if (file.size or 0) + len(chunk) > max_bytes:
                raise payload_too_large(max_bytes)
            try:
                await file.write(chunk)
            except OSError:
                raise service_unavailable("There is no room for the request's body.") from None
        await file.seek(0)
        yield _chunks(file)


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(CHUNK_BYTES):
        yield chunk
