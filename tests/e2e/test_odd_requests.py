"""What is not a browser's request: raw bytes, huge headers, forged ones."""

import asyncio
from urllib.parse import unquote_to_bytes

import httpx2
import pytest

from local_stack.stack import Stack
from shortener.url_policy import MAX_LENGTH
from tests.support.database import fetch, wait_until_stored


async def exchange(port: int, request: bytes) -> bytes:
    """Send bytes and return everything that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(10):
        answer = b""
        try:
            while data := await reader.read(65536):
                answer += data
        except ConnectionResetError:
            pass  # nginx hangs up on what it does not want to read to its end
    writer.close()
    return answer


HOST = b"Host: localhost\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "statuses"),
    [
        (b"GET /\x00 HTTP/1.1\r\n" + HOST, {b"400"}),
        (b"GET /%00 HTTP/1.1\r\n" + HOST, {b"400", b"404"}),
        (b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST, {b"404"}),
        (b"GET /\xc3\xa9\xff?\xff HTTP/1.1\r\n" + HOST, {b"404"}),
        (b"GET /%ff%fe HTTP/1.1\r\n" + HOST, {b"404"}),
        (b"GET //evil.test/%2e%2e HTTP/1.1\r\n" + HOST, {b"400", b"404"}),
        (b"GET http://evil.test/abc HTTP/1.1\r\n" + HOST, {b"404"}),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST, {b"414"}),
        (b"GET /a HTTP/1.1\r\nX: " + b"a" * 1_000_000 + b"\r\n" + HOST, {b"400", b"431", b""}),
        (b"GET /a HTTP/1.0\r\n\r\n", {b"404"}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {b"400", b""}),
        (b"BREW /a HTTP/1.1\r\n" + HOST, {b"400", b"405"}),
        (b"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n", {b"400"}),
        (b"GET /a HTTP/1.1\r\nReferer: \x01\x02\xff\r\n" + HOST, {b"400", b"404"}),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else None,
)
async def test_odd_bytes_get_a_client_error(
    stack: Stack, request_bytes: bytes, statuses: set[bytes]
) -> None:
    """Whatever arrives, the answer is a 4xx or a hang-up, never a 5xx."""
    answer = await exchange(stack.public_port, request_bytes)
    assert answer[9:12] in statuses


@pytest.mark.parametrize("byte", [b"a", b'"', b"\xff"])
async def test_the_longest_query_is_forwarded(
    stack: Stack, api: httpx2.AsyncClient, byte: bytes
) -> None:
    """What nginx takes is led to the longest long URL there is, whatever encoding makes of it."""
    long_url = "https://example.org/".ljust(MAX_LENGTH, "a")
    created = await api.post("/short-urls", json={"longUrl": long_url})
    target = b"/" + created.json()["shortCode"].encode() + b"?q=" + byte * 8_000
    answer = await exchange(stack.public_port, b"GET " + target + b" HTTP/1.1\r\n" + HOST)
    assert answer.startswith(b"HTTP/1.1 302")
    location = answer.lower().partition(b"\nlocation: ")[2].partition(b"\r")[0]
    assert unquote_to_bytes(location) == long_url.encode() + b"?q=" + byte * 8_000


async def test_the_api_answers_odd_bytes_with_a_problem(stack: Stack) -> None:
    """A control character in a header, which only the shortener's parser refuses; and TRACE."""
    path = b" /rest/v3/tags HTTP/1.1\r\nIf-None-Match: "
    for request, status, header in (
        (b"GET" + path + b"\x01\r\n" + HOST, b"400", b"X-Request-Id: "),
        (b"TRACE" + path + b"\r\n" + HOST, b"405", b"Allow: GET, "),
    ):
        answer = await exchange(stack.api_port, request)
        assert answer[9:12] == status
        assert b"application/problem+json" in answer
        assert b'"status":' + status in answer
        assert header in answer


async def test_forged_headers_are_not_believed(
    stack: Stack, api: httpx2.AsyncClient, visitor: httpx2.AsyncClient
) -> None:
    """Request id, arrival time and address come from nginx, whatever a visitor claims."""
    created = await api.post("/short-urls", json={"longUrl": "https://example.org/"})
    forged = "ab" * 16
    answer = await visitor.get(
        f"/{created.json()['shortCode']}",
        headers={
            "X-Request-Id": forged,
            "X-Request-Start": "1000000000.000",
            "X-Real-IP": "6.6.6.6",
            "X-Forwarded-For": "6.6.6.6",
        },
    )
    request_id = answer.headers["x-request-id"]
    assert request_id != forged
    await wait_until_stored(stack.urls.database_url, {request_id})
    (row,) = await fetch(
        stack.urls.database_url,
        "SELECT host(ip), now() - clicked_at < interval '1 minute' FROM clicks"
        " WHERE request_id = $1",
        request_id,
    )
    assert tuple(row) == ("127.0.0.0", True)


async def test_headers_that_postgres_could_not_store(
    stack: Stack, api: httpx2.AsyncClient
) -> None:
    """A click with bytes that are not UTF-8 in its headers is stored like any other."""
    created = await api.post("/short-urls", json={"longUrl": "https://example.org/"})
    code = created.json()["shortCode"].encode()
    request = (
        b"GET /" + code + b"?q=%00\xff HTTP/1.1\r\nUser-Agent: \xff\xfe'\\\";--\r\n"
        b"Referer: https://e.test/\xf0\x9f\x98\r\nAccept-Language: " + b"x" * 5000 + b"\r\n" + HOST
    )
    answer = await exchange(stack.public_port, request)
    assert answer.startswith(b"HTTP/1.1 302")
    request_id = answer.partition(b"X-Request-Id: ")[2].partition(b"\r\n")[0].decode()
    assert await wait_until_stored(stack.urls.database_url, {request_id}) == [request_id]
