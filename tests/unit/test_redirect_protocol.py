"""The redirector's door: which bytes are taken as which request, and what goes back."""

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from redirector import pages
from redirector.pages import Page
from redirector.protocol import MAX_HEAD_BYTES, RedirectProtocol
from redirector.request import Request
from redirector.visit import Visitor

HEADERS = (
    b"Host: go.test\r\n"
    b"X-Request-Id: 0123456789abcdef0123456789abcdef\r\n"
    b"X-Request-Start: 1800000000.123\r\n"
    b"X-Real-IP: 203.0.113.77\r\n"
    b"User-Agent: Firefox\r\n"
)


def head(target: bytes = b"/abc", *, method: bytes = b"GET", more: bytes = b"") -> bytes:
    """Word a request as nginx does."""
    return method + b" " + target + b" HTTP/1.1\r\n" + HEADERS + more + b"\r\n"


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.is_closed = False

    def write(self, data: Any) -> None:
        """Keep the data."""
        self.written += data

    def is_closing(self) -> bool:
        """Tell whether it was closed."""
        return self.is_closed

    def close(self) -> None:
        """Close."""
        self.is_closed = True

    def pause_reading(self) -> None:
        """Read on regardless."""

    def resume_reading(self) -> None:
        """Read on."""


class Door:
    """A connection to the redirector, and the redirect behind it, which waits to be told."""

    status = 302

    def __init__(self) -> None:
        self.taken: list[tuple[Request, Visitor]] = []
        self.asgi_paths: list[str] = []
        config = uvicorn.Config(self._asgi, log_config=None, lifespan="off", interface="asgi3")
        config.load()
        self.transport = Transport()
        self.protocol = RedirectProtocol(
            config=config, server_state=ServerState(), app_state={"redirect": self}
        )
        self.protocol.connection_made(self.transport)

    def take(self, request: Request, visitor: Visitor) -> None:
        """Keep the visitor waiting."""
        self.taken.append((request, visitor))

    async def _asgi(self, scope: Any, receive: Any, send: Any) -> None:
        self.asgi_paths.append(scope["path"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def test_a_request_of_nginx_is_taken_apart() -> None:
    """Every part of a request in nginx's form reaches the redirect."""
    door = Door()
    more = b"Referer: https://e.test/\r\nAccept-Language: de\r\nSec-Purpose: prefetch\r\n"
    door.protocol.data_received(head(b"/%F0%9F%98%80?a=1", more=more))
    ((request, _),) = door.taken
    assert {name: getattr(request, name) for name in Request.__slots__} == {
        "method": "GET",
        "path": "/😀",
        "raw_path": b"/%F0%9F%98%80",
        "query": b"a=1",
        "host": "go.test",
        "request_id": "0123456789abcdef0123456789abcdef",
        "started_ms": 1_800_000_000_123,
        "address": b"203.0.113.77",
        "user_agent": b"Firefox",
        "referer": b"https://e.test/",
        "accept_language": b"de",
        "purpose": b"prefetch",
    }


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query"),
    [
        (b"/\xc3\xa9?\xc3\xa9", "/é", b"/%C3%A9", b"%C3%A9"),
        (b"/abc#top", "/abc", b"/abc", b""),
        (b"/abc?", "/abc", b"/abc", b""),
        (b"/abc?a?b", "/abc", b"/abc", b"a?b"),
        (b"/%ff", "/\ufffd", b"/%ff", b""),
        (b"//e.test/", "//e.test/", b"//e.test/", b""),
    ],
)
async def test_odd_targets(target: bytes, path: str, raw_path: bytes, query: bytes) -> None:
    """A target in raw UTF-8, with a fragment or with odd escapes is read as uvicorn would."""
    door = Door()
    door.protocol.data_received(head(target))
    ((request, _),) = door.taken
    assert (request.path, request.raw_path, request.query) == (path, raw_path, query)


async def test_a_redirect_is_a_complete_answer() -> None:
    """What goes back is a whole HTTP answer without a body, which nobody may cache."""
    door = Door()
    door.protocol.data_received(head())
    door.taken[0][1].redirect("https://e.test/?a=1")
    assert door.transport.written == (
        b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\ncache-control: private, no-store\r\n"
        b"location: https://e.test/?a=1\r\n\r\n"
    )
    assert not door.transport.is_closed


@pytest.mark.parametrize(("method", "body"), [(b"GET", pages.NOT_FOUND.body), (b"HEAD", b"")])
async def test_a_page_is_a_complete_answer(method: bytes, body: bytes) -> None:
    """A page goes back with its length, and without its body for HEAD."""
    door = Door()
    door.protocol.data_received(head(method=method))
    door.taken[0][1].show(pages.NOT_FOUND)
    answer_head, _, answer_body = door.transport.written.partition(b"\r\n\r\n")
    assert answer_head.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert b"content-length: %d" % len(pages.NOT_FOUND.body) in answer_head
    assert answer_body == body


@pytest.mark.parametrize("cut", range(1, len(head()), 7))
async def test_a_head_may_come_in_pieces(cut: int) -> None:
    """Wherever a request is cut by the network, it is taken once it is complete."""
    door = Door()
    door.protocol.data_received(head()[:cut])
    assert door.taken == []
    door.protocol.data_received(head()[cut:])
    assert [request.path for request, _ in door.taken] == ["/abc"]


async def test_a_request_that_comes_too_early_waits() -> None:
    """The second of two requests on one connection is taken when the first is answered."""
    door = Door()
    door.protocol.data_received(head(b"/one"))
    door.protocol.data_received(head(b"/two"))
    assert [request.path for request, _ in door.taken] == ["/one"]
    door.taken[0][1].show(Page(404, b"", []))
    assert [request.path for request, _ in door.taken] == ["/one", "/two"]


async def test_an_endless_head_is_cut_off() -> None:
    """What is kept of an incomplete head is bounded."""
    door = Door()
    door.protocol.data_received(b"GET /" + b"a" * MAX_HEAD_BYTES)
    assert door.transport.is_closed
    assert door.taken == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /abc HTTP/1.1\r\nHost: go.test\r\n\r\n",
        b"GET /abc HTTP/1.1\r\nhost: go.test\r\naccept: */*\r\n\r\n",
        b"POST /abc HTTP/1.1\r\nHost: go.test\r\nContent-Length: 0\r\n\r\n",
        head(more=b"Content-Length: 3\r\n") + b"abc",
    ],
)
async def test_any_other_request_is_served_by_uvicorn(request_bytes: bytes) -> None:
    """What nginx does not say is uvicorn's and the application's, on this connection for good."""
    door = Door()
    for _ in range(2):
        door.protocol.data_received(request_bytes)
        for _ in range(5):
            await asyncio.sleep(0)
    door.protocol.data_received(head())
    await asyncio.sleep(0)
    assert door.asgi_paths == ["/abc"] * 3
    assert door.taken == []


async def test_a_stopping_server_answers_before_it_closes() -> None:
    """On shutdown a waiting visitor is answered, with the note that the connection ends."""
    door = Door()
    door.protocol.data_received(head())
    door.protocol.shutdown()
    assert not door.transport.is_closed
    door.taken[0][1].redirect("https://e.test/")
    assert door.transport.written.endswith(b"\r\nconnection: close\r\n\r\n")
    assert door.transport.is_closed


async def test_a_stopping_server_closes_idle_connections() -> None:
    """On shutdown a connection on which nobody waits is closed at once."""
    door = Door()
    door.protocol.shutdown()
    assert door.transport.is_closed


async def test_a_visitor_who_has_gone_is_not_answered() -> None:
    """An answer for a connection that was closed meanwhile is dropped."""
    door = Door()
    door.protocol.data_received(head())
    door.transport.is_closed = True
    door.taken[0][1].redirect("https://e.test/")
    assert door.transport.written == b""
