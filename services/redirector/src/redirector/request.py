"""One request, as nginx passes it on or as any other HTTP client words it.

nginx passes on nothing but the headers that are used here, always in the same order, so that one
pattern takes a whole request apart. What it does not match is parsed by uvicorn instead.
"""

import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_from_bytes, unquote

from shared.click_event import MAX_USER_AGENT_BYTES

Clock = Callable[[], float]
"""Returns Unix time in seconds."""

MAX_DOMAIN_BYTES = 255

HEAD_OF_NGINX = re.compile(
    rb"(GET|HEAD) (/[^ ?#]*)(?:\?([^ #]*))?(?:#[^ ]*)? HTTP/1\.1\r\n"
    rb"(?:Host: ([^\r\n]*)\r\n)?"
    rb"X-Request-Id: ([0-9a-f]{32})\r\n"
    rb"X-Request-Start: ([0-9]{10})\.([0-9]{3})\r\n"
    rb"X-Real-IP: ([^\r\n]*)\r\n"
    rb"(?:User-Agent: ([^\r\n]*)\r\n)?"
    rb"(?:Referer: ([^\r\n]*)\r\n)?"
    rb"(?:Accept-Language: ([^\r\n]*)\r\n)?"
    rb"(?:Sec-Purpose: ([^\r\n]*)\r\n)?"
    rb"\r\n"
)
"""The whole head of a request, as `location /` of nginx/templates/qck.conf.template makes it."""

_REQUEST_ID = re.compile(rb"[0-9a-f]{32}")
_REQUEST_START = re.compile(rb"([0-9]{10})\.([0-9]{3})")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))


class Request:
    """What a redirect needs to know of its request; headers are bytes, empty if missing.

    `request_id` and `started_ms` (Unix time) are what the id of a click is made of.
    """

    __slots__ = (
        "accept_language",
        "address",
        "host",
        "method",
        "path",
        "purpose",
        "query",
        "raw_path",
        "referer",
        "request_id",
        "started_ms",
        "user_agent",
    )

    method: str
    path: str
    raw_path: bytes
    query: bytes
    host: str
    request_id: str
    started_ms: int
    address: bytes
    user_agent: bytes
    referer: bytes
    accept_language: bytes
    purpose: bytes

    @classmethod
    def from_head(cls, head: "re.Match[bytes]") -> "Request":
        """Make the request of a match of `HEAD_OF_NGINX`."""
        self = cls()
        (
            method, path, query, host, request_id, start_s, start_ms,
            self.address, self.user_agent, self.referer, self.accept_language, self.purpose,
        ) = head.groups(b"")  # fmt: skip
        self.method = method.decode()
        if not (path.isascii() and query.isascii()):
            # Browsers percent-encode an emoji in an address, old programs send its bytes.
            path = quote_from_bytes(path, safe=_ASCII).encode()
            query = quote_from_bytes(query, safe=_ASCII).encode()
        self.raw_path = path
        self.path = unquote(path.decode()) if b"%" in path else path.decode()
        self.query = query
        self.host = _host(host)
        self.request_id = request_id.decode()
        self.started_ms = int(start_s + start_ms)
        return self

    @classmethod
    def from_scope(cls, scope: Any, clock: Clock) -> "Request":
        """Make the request of an ASGI scope.

        Request id and start are this process's own where no nginx has set them.
        """
        self = cls()
        header = dict(scope["headers"]).get
        self.method = scope["method"]
        self.path = scope["path"]
        self.raw_path = scope["raw_path"]
        self.query = scope["query_string"]
        self.host = _host(header(b"host", b""))
        request_id = header(b"x-request-id", b"")
        is_usable = _REQUEST_ID.fullmatch(request_id)
        self.request_id = request_id.decode() if is_usable else uuid.uuid4().hex
        started = _REQUEST_START.fullmatch(header(b"x-request-start", b""))
        self.started_ms = int(started[1] + started[2]) if started else round(clock() * 1000)
        self.address = header(b"x-real-ip", b"")
        self.user_agent = header(b"user-agent", b"")
        self.referer = header(b"referer", b"")
        self.accept_language = header(b"accept-language", b"")
        self.purpose = header(b"sec-purpose", b"")
        return self


def judged_user_agent(request: Request) -> bytes:
    """Return what patterns may look at: as much as is recorded, so that click-ingest judges alike.

    What they cost grows with the cube of the length: 8 KB, as nginx lets pass, hold everybody up
    for a second.
    """
    return request.user_agent[:MAX_USER_AGENT_BYTES]


def _host(header: bytes) -> str:
    return header[:MAX_DOMAIN_BYTES].decode("utf-8", "ignore").replace("\0", "").lower()
