"""Request bodies: bounded while they arrive, then one JSON object."""

import msgspec
from starlette.requests import Request

from shortener.problems import malformed_request_body, payload_too_large

MAX_BODY_BYTES = 1024 * 1024

_DECODER = msgspec.json.Decoder()


async def read_json_object(request: Request, max_bytes: int = MAX_BODY_BYTES) -> dict[str, object]:
    """Return the body's members; an empty body has none.

    Raises:
        Problem: it is too large or no JSON object.
    """
    body = await _read(request, max_bytes)
    if not body.strip():
        return {}
    try:
        content = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise malformed_request_body() from None
    if not isinstance(content, dict):
        raise malformed_request_body()
    return content


async def _read(request: Request, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise payload_too_large(max_bytes)
    return bytes(body)
