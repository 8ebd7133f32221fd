"""The generator's connections: which are idle, which are being opened, who has news."""

import select
import time
from collections import deque
from collections.abc import Iterator

from tests.bench.fixed_rate.connection import Connection

OPEN_AGAIN_AFTER_S = 0.05


class Connections:
    """Keeps so many of them open to one port.

    Idle ones are used in turn, as so many visitors would be.
    """

    __slots__ = ("_by_descriptor", "_epoll", "_opening", "_port", "_to_open", "idle")

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        self._epoll = select.epoll()
        self._by_descriptor: dict[int, Connection] = {}
        self._opening: set[Connection] = set()
        self._to_open: deque[float] = deque([0.0] * count)
        self.idle: deque[Connection] = deque()

    @property
    def busy(self) -> list[Connection]:
        """Those that wait for an answer."""
        return [each for each in self._by_descriptor.values() if each.number >= 0]

    def open_due(self) -> None:
        """Begin to open what is missing and was not refused a moment ago."""
        while self._to_open and self._to_open[0] <= time.perf_counter():
            self._to_open.popleft()
            try:
                connection = Connection(self._port)
            except OSError:
                self._open_later()
                continue
            self._by_descriptor[connection.fileno()] = connection
            self._opening.add(connection)
            self._epoll.register(connection.fileno(), select.EPOLLOUT)

    def with_news(self, wait_s: float) -> Iterator[Connection]:
        """Wait at most so long, then yield the connections on which something has come."""
        # epoll's own timeout counts in whole milliseconds, which would make each request late.
        if wait_s > 0 and not select.select([self._epoll.fileno()], [], [], wait_s)[0]:
            return
        for descriptor, _ in self._epoll.poll(0):
            connection = self._by_descriptor.get(descriptor)
            if connection is None:
                continue
            if self._opening and connection in self._opening:
                self._opened(connection)
            else:
                yield connection

    def replace(self, connection: Connection) -> None:
        """Close a connection and open another in its place."""
        self._forget(connection)
        self._to_open.appendleft(0.0)

    def close(self) -> None:
        """Close all of them."""
        for connection in [*self._by_descriptor.values()]:
            self._forget(connection)
        self._epoll.close()

    def _opened(self, connection: Connection) -> None:
        self._opening.discard(connection)
        try:
            connection.check_open()
        except OSError:
            self._forget(connection)
            self._open_later()
            return
        self._epoll.modify(connection.fileno(), select.EPOLLIN)
        self.idle.append(connection)

    def _open_later(self) -> None:
        self._to_open.append(time.perf_counter() + OPEN_AGAIN_AFTER_S)

    def _forget(self, connection: Connection) -> None:
        # Closing takes a descriptor out of the epoll too.
        self._by_descriptor.pop(connection.fileno(), None)
        self._opening.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        connection.close()
