"""Request targets in raw UTF-8."""

import asyncio
import socket
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from shared.http_protocol import Utf8TargetProtocol, encode_target


@pytest.mark.parametrize(
    ("data", "encoded"),
    [
        (b"GET /\xc3\xa9?q=\xff HTTP/1.1\r\nA: b\r\n", b"GET /%C3%A9?q=%FF HTTP/1.1\r\nA: b\r\n"),
        (b"HEAD /%41\xc3\xa9 HTTP/1.0\r\n", b"HEAD /%41%C3%A9 HTTP/1.0\r\n"),
        (b"GET /a HTTP/1.1\r\nA: \xff\r\n", b"GET /a HTTP/1.1\r\nA: \xff\r\n"),
        (b"GET /\xc3 \xa9 HTTP/1.1\r\n", b"GET /\xc3 \xa9 HTTP/1.1\r\n"),
        (b"\xff\xfe", b"\xff\xfe"),
        (b"GET /\xc3\xa9", b"GET /\xc3\xa9"),
    ],
    ids=["path and query", "percent signs stay", "headers stay", "two spaces", "junk", "a piece"],
)
def test_only_the_target_is_encoded(data: bytes, encoded: bytes) -> None:
    """Bytes above ASCII in a whole request line are percent-encoded, all else stays as it came."""
    assert encode_target(data) == encoded


async def test_a_body_that_looks_like_a_request_stays_as_it_came() -> None:
    """The next request on the connection, which may be somebody else's, is read as it was sent."""
    seen: list[tuple[bytes, bytes]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, has_more = b"", True
        while has_more:
            message = await receive()
            body += message["body"]
            has_more = message["more_body"]
        seen.append((scope["raw_path"], body))
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body"})

    config = uvicorn.Config(app)
    config.load()
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_accepted_socket(
        lambda: Utf8TargetProtocol(config, ServerState(), {}), theirs
    )
    reader, writer = await asyncio.open_connection(sock=ours)
    body = b"PUT /" + b"\xff" * 8 + b" HTTP/1.1\r\n" + b"GET /forged HTTP"
    head = b"POST /\xc3\xa9 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    writer.write(head % len(body))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
    writer.write(body)  # by itself, as the one before has been read
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")
    writer.write(b"GET /own\xff HTTP/1.1\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")
    assert seen == [(b"/%C3%A9", body), (b"/own%FF", b"")]
    writer.close()
    transport.abort()
