"""One kept connection to the server, opened and read without ever waiting."""

import socket
from errno import EINPROGRESS

from tests.bench.fixed_rate.answer import Answer, AnswerError, parse_answer

NOTHING = -1
"""The number of no request."""

_READ_BYTES = 65_536


class ClosedError(ConnectionError):
    """The server has closed the connection."""


class Connection:
    """Asks one thing at a time; `number` is the request under way and `due` its time."""

    __slots__ = ("_received", "_socket", "due", "is_used", "number")

    def __init__(self, port: int) -> None:
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self.number = NOTHING
        self.due = 0.0
        self.is_used = False
        error = self._socket.connect_ex(("127.0.0.1", port))
        if error not in (0, EINPROGRESS):
            self._socket.close()
            raise OSError(error, "connect")

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._socket.fileno()

    def check_open(self) -> None:
        """Raise OSError if it could not be opened, once it is known."""
        if error := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, "connect")

    @property
    def is_untouched(self) -> bool:
        """Whether a used connection has brought nothing of the answer: it may be asked again."""
        return self.is_used and not self._received

    def ask(self, number: int, due: float, request: bytes) -> None:
        """Send a request.

        Raises:
            OSError: it cannot be sent; one that does not fit into the buffer has met a bad server.
        """
        self.number = number
        self.due = due
        if self._socket.send(request) != len(request):
            raise OSError("the socket's buffer is full")

    def receive(self) -> Answer | None:
        """Read what has come; return the answer once it is whole.

        Raises:
            ClosedError: nothing will come any more.
            AnswerError: what came is none.
        """
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            raise ClosedError from error
        if not data:
            raise ClosedError
        if self.number == NOTHING:
            raise AnswerError("an answer to nothing")
        if self._received:
            data = self._received + data
        answer = parse_answer(data)
        if answer is None:
            self._received = data
            return None
        self._received = b""
        self.number = NOTHING
        self.is_used = True
        return answer

    def close(self) -> None:
        """Close it."""
        self._socket.close()
