"""Open-loop HTTP load: each request leaves at its own time, whatever became of the earlier ones.

A raw client of HTTP/1.1 over kept connections, cheap enough to stay punctual at some thousand
requests a second when it has a process of its own. Latency counts from the moment at which the
request was due, so a server that stalls cannot hide the visitors who had to wait behind it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

_END_OF_HEAD = b"\r\n\r\n"
_LATE_S = 0.0005
"""What is due within this is sent at once; timers are no more exact than that."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request came to; `status` is 0 when no whole answer arrived, for `problem`."""

    due_at: float
    """Unix time at which the request was to leave."""
    path: str
    status: int
    latency_ms: float
    request_id: str
    problem: str = ""


class _ClosedEarlyError(ConnectionError):
    """The server closed the connection before the first byte of an answer."""


class _Connection(asyncio.Protocol):
    """One kept connection; asks one thing at a time."""

    __slots__ = ("_answer", "_received", "_transport", "is_open", "is_used")

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[tuple[int, str]] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self.is_open = False
        self.is_used = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport is no subclass of asyncio's.
        self._transport = cast(asyncio.WriteTransport, transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(_END_OF_HEAD)
        if not found or self._answer is None or self._answer.done():
            return
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): text.strip() for name, _, text in (x.partition(":") for x in lines)
        }
        if "content-length" not in headers:
            self._answer.set_exception(ConnectionError("an answer without Content-Length"))
        elif len(body) >= int(headers["content-length"]):
            self._received = b""
            if headers.get("connection", "").lower() == "close":
                self.close()
            status = int(status_line.split(" ", 2)[1])
            self._answer.set_result((status, headers.get("x-request-id", "")))

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._answer is not None and not self._answer.done():
            kind = ConnectionError if self._received else _ClosedEarlyError
            self._answer.set_exception(kind(f"connection closed: {exc!r}"))

    async def ask(self, request: bytes) -> tuple[int, str]:
        """Send a request; return status and request id when the answer is whole."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            self.is_used = True

    def close(self) -> None:
        """Close it, whatever is under way."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()


class HttpLoad:
    """Visitors of one server, each waiting at most `timeout_s`; connections are kept and shared.

    As a browser does, a request on a kept connection that the server closes without a byte of an
    answer is asked once more on a new one: the server may close idle connections when it likes.
    """

    __slots__ = ("_address", "_head", "_idle", "_timeout_s", "asked_again")

    def __init__(
        self, host: str, port: int, *, headers: Iterable[tuple[str, str]], timeout_s: float = 10
    ) -> None:
        self._address = (host, port)
        self._head = "".join(f"{name}: {text}\r\n" for name, text in headers) + "\r\n"
        self._timeout_s = timeout_s
        self._idle: list[_Connection] = []
        self.asked_again = 0

    async def get(self, path: str, *, due_at: float, due: float) -> Answer:
        """Ask for `path`, which was due at Unix time `due_at` and at `due` of `perf_counter`."""
        request = f"GET {path} HTTP/1.1\r\n{self._head}".encode()
        status, request_id, problem = 0, "", ""
        try:
            async with asyncio.timeout(self._timeout_s):
                status, request_id = await self._ask(request)
        except (OSError, TimeoutError, ValueError) as error:
            problem = repr(error)
        latency_ms = (time.perf_counter() - due) * 1000
        return Answer(due_at, path, status, latency_ms, request_id, problem)

    async def _ask(self, request: bytes) -> tuple[int, str]:
        async with self._connection() as connection:
            is_kept = connection.is_used
            try:
                return await connection.ask(request)
            except _ClosedEarlyError:
                if not is_kept:
                    raise
        self.asked_again += 1
        async with self._connection(is_new=True) as connection:
            return await connection.ask(request)

    @asynccontextmanager
    async def _connection(self, *, is_new: bool = False) -> AsyncIterator[_Connection]:
        connection = None
        while self._idle and connection is None and not is_new:
            kept = self._idle.pop()
            connection = kept if kept.is_open else None
        if connection is None:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(_Connection, *self._address)
        is_whole = False
        try:
            yield connection
            is_whole = True
        finally:
            if is_whole and connection.is_open:
                self._idle.append(connection)
            else:
                connection.close()

    def close(self) -> None:
        """Close the kept connections."""
        for connection in self._idle:
            connection.close()


async def send_on_time(
    load: HttpLoad,
    paths: Iterable[str],
    *,
    per_second: float,
    is_over: asyncio.Event,
    on_answer: Callable[[Answer], None],
) -> None:
    """Ask for the paths at a fixed rate until they or the event end it, then await all answers."""
    started, started_at = time.perf_counter(), time.time()

    async def visit(path: str, after_s: float) -> None:
        on_answer(await load.get(path, due_at=started_at + after_s, due=started + after_s))

    async with asyncio.TaskGroup() as visits:
        for number, path in enumerate(paths):
            after_s = number / per_second
            wait_s = started + after_s - time.perf_counter()
            if wait_s > _LATE_S:
                await asyncio.sleep(wait_s)
            if is_over.is_set():
                return
            visits.create_task(visit(path, after_s))
