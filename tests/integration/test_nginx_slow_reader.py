"""Whoever reads an export slowly: nginx puts nothing aside for him."""

import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from local_stack.ports import LOOPBACK
from local_stack.stack import Stack
from tests.support.stack import nginx_workers, started_stack

SIZE = 64 * 1024 * 1024
"""Many times what the sockets between shortener, nginx and reader hold."""
PATIENCE_S = 1
CHUNK = bytes(1024 * 1024)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield nginx alone: the shortener is the test's own."""
    with started_stack(tmp_path_factory.mktemp("stack"), ("nginx",)) as stack:
        yield stack


class Exporter(threading.Thread):
    """Stands in for the shortener: sends one large answer as fast as it is taken."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server((LOOPBACK, port))
        self.rested = threading.Event()
        """Whether all is sent, or nobody has taken any more for a while."""
        self.sent = 0

    def run(self) -> None:
        """Serve one connection."""
        with self._listener, self._listener.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
            connection.setblocking(False)
            while self.sent < SIZE:
                if not select.select([], [connection], [], PATIENCE_S)[1]:
                    self.rested.set()
                    select.select([], [connection], [])
                self.sent += connection.send(CHUNK[: SIZE - self.sent])
            self.rested.set()


def test_a_slow_reader_leaves_no_temporary_file(stack: Stack) -> None:
    """The shortener waits for him instead, and in the end he has everything."""
    exporter = Exporter(stack.port("shortener"))
    exporter.start()
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        reader.settimeout(60)
        reader.connect((LOOPBACK, stack.api_port))
        reader.sendall(
            b"GET /rest/v3/short-urls/export HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        assert exporter.rested.wait(60)
        assert _temporary_files(stack) == []
        assert exporter.sent < SIZE
        received = sum(map(len, iter(lambda: reader.recv(len(CHUNK)), b"")))
    exporter.join(60)
    assert received > exporter.sent == SIZE


def _temporary_files(stack: Stack) -> list[str]:
    """Return those that workers hold open: nginx unlinks them as soon as they are made."""
    files = []
    for worker in nginx_workers(stack):
        for descriptor in Path(f"/proc/{worker}/fd").iterdir():
            with suppress(FileNotFoundError):
                files.append(os.readlink(descriptor))
    return [file for file in files if file.startswith(str(stack.home.folder("nginx")))]
