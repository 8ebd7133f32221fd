"""What nginx passes on to a redirector, and that the redirector takes it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from redirector.request import HEAD_OF_NGINX, Request
from tests.support.stack import started_stack

ANSWER = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@contextmanager
def listening(port: int) -> Iterator[list[bytes]]:
    """Take a redirector's place: keep what arrives, and answer 404."""
    heads: list[bytes] = []
    with socket.create_server(("127.0.0.1", port)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    if head := connection.recv(65536):
                        heads.append(head)
                        connection.sendall(ANSWER)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield heads
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[bytes]]]:
    """Run nginx with a listener in the place of its redirectors.

    Redis listens from the beginning: without anybody another stack could choose the same ports.
    """
    home: Path = tmp_path_factory.mktemp("door")
    with (
        started_stack(home, programs=["redis", "nginx"]) as stack,
        listening(stack.port("redirector-1")) as arrived,
    ):
        yield stack.urls.public_url, arrived


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {}),
        ("HEAD", {"User-Agent": ""}),
        (
            "GET",
            {
                "Referer": "https://news.test/",
                "Accept-Language": "de",
                "Accept": "text/html",
                "Cookie": "a=b",
                "Sec-Purpose": "prefetch",
                "Authorization": "Basic x",
            },
        ),
    ],
)
def test_nginx_words_every_request_as_the_door_expects(
    heads: tuple[str, list[bytes]], method: str, headers: dict[str, str]
) -> None:
    """Whatever a visitor sends, a redirector gets what its door takes, and nothing else."""
    url, arrived = heads
    arrived.clear()
    httpx2.request(method, f"{url}/abc?a=%F0&b", headers=headers, content=b"a body")
    head = HEAD_OF_NGINX.fullmatch(arrived[0])
    assert head is not None, arrived[0]
    request = Request.from_head(head)
    assert (request.method, request.path, request.query) == (method, "/abc", b"a=%F0&b")
    assert request.address == b"127.0.0.1"
    for name, attribute in {
        "Referer": "referer",
        "Accept-Language": "accept_language",
        "Sec-Purpose": "purpose",
    }.items():
        assert getattr(request, attribute) == headers.get(name, "").encode()
