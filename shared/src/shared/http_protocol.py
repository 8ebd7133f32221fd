"""uvicorn's HTTP protocol, which also takes request targets in raw UTF-8.

Browsers percent-encode an emoji in an address, command-line tools and old programs send its bytes.
The parser refuses those, so they are encoded before it sees them.
"""

import re
from typing import Any
from urllib.parse import quote_from_bytes

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_REQUEST_LINE = re.compile(rb"([A-Z]+ )([^\r\n ]+)( HTTP/1\.[01]\r\n)")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))


class Utf8TargetProtocol(HttpToolsProtocol):
    """The protocol of the services. A target that arrives in two pieces is left as it is.

    So is what looks like a request within another one's body: made longer than it was announced,
    its end would be taken for the next request, which is somebody else's on a shared connection.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_within_request = False

    def data_received(self, data: bytes) -> None:
        """Encode the target where it is not ASCII, then go on as always."""
        if not (self._is_within_request or data.isascii()):
            data = encode_target(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Note that a request has begun; called by the parser."""
        self._is_within_request = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Note that it has ended, with its body; called by the parser."""
        self._is_within_request = False
        super().on_message_complete()


def encode_target(data: bytes) -> bytes:
    """Percent-encode bytes above ASCII in the target of the request that `data` begins with."""
    line = _REQUEST_LINE.match(data)
    if line is None or line[2].isascii():
        return data
    target = quote_from_bytes(line[2], safe=_ASCII).encode()
    return b"".join((line[1], target, line[3], data[line.end() :]))
