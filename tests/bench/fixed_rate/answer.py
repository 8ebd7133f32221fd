"""Taking out of an HTTP/1.1 answer the little that is recorded of it."""

from binascii import Error as HexError
from binascii import unhexlify
from typing import NamedTuple

NO_ID = bytes(16)

_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "
_ID = b"\r\nx-request-id: "
_CLOSE = b"\r\nconnection: close"
_ID_DIGITS = 32


class AnswerError(ValueError):
    """What came is no answer that can be measured."""


class Answer(NamedTuple):
    """One whole answer."""

    status: int
    request_id: bytes
    """16 bytes; all 0 where there was none."""
    is_last: bool
    """Whether the server closes the connection after it."""


def parse_answer(data: bytes) -> Answer | None:
    """Return the answer when all of it is there, its body included.

    Raises:
        AnswerError: it is not HTTP, or does not say how long its body is.
    """
    end = data.find(_END)
    if end < 0:
        return None
    head = data[: end + 2].lower()
    at = head.find(_LENGTH)
    if at < 0:
        raise AnswerError("no Content-Length")
    try:
        length = int(head[at + len(_LENGTH) : head.index(b"\r", at + 2)])
        if len(data) < end + len(_END) + length:
            return None
        status = int(head[9:12])
        at = head.find(_ID)
        start = at + len(_ID)
        request_id = NO_ID if at < 0 else unhexlify(head[start : start + _ID_DIGITS])
    except (ValueError, HexError) as error:
        raise AnswerError("no HTTP") from error
    return Answer(status, request_id, _CLOSE in head)
