"""The redirector's door: what our nginx sends goes straight to the redirect.

uvicorn's parser, a task and an ASGI scope for each request cost more than everything else that a
redirect needs (docs/adr/0009). They are kept for what comes by another way: probes, people with
curl, other proxies.
"""

from typing import Any

from redirector.pages import Page, redirect_to
from redirector.redirect import Redirect
from redirector.request import HEAD_OF_NGINX, Request
from shared.http_protocol import Utf8TargetProtocol

MAX_HEAD_BYTES = 64 * 1024
"""Above what nginx takes (four buffers of 8 KiB), so nothing of nginx's is cut off."""

_END = b"\r\n\r\n"
_CLOSE = b"\r\nconnection: close\r\n\r\n"


class RedirectProtocol(Utf8TargetProtocol):
    """Answers requests in nginx's own form; a connection that brings another is uvicorn's.

    One request at a time is answered on a connection, as nginx asks. The redirect comes from the
    lifespan's state, under `redirect`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._redirect: Redirect = self.app_state["redirect"]
        # All but the location, which comes last.
        self._found = redirect_to("", self._redirect.status).head
        self._received = b""
        self._is_head_request = False
        self._is_waiting = False
        self._is_stopping = False
        self._is_uvicorns = False

    def data_received(self, data: bytes) -> None:
        """Take a request whose head is complete; keep what is not, or came too early."""
        if self._is_uvicorns:
            return super().data_received(data)
        if self._received:
            data = self._received + data
            self._received = b""
        if self._is_waiting:
            self._keep(data)
            return None
        head = HEAD_OF_NGINX.fullmatch(data)
        if head is not None:
            self._is_waiting = True
            request = Request.from_head(head)
            self._is_head_request = request.method == "HEAD"
            self._redirect.take(request, self)
        elif _is_incomplete(data):
            self._keep(data)
        else:
            self._is_uvicorns = True
            super().data_received(data)
        return None

    def _keep(self, data: bytes) -> None:
        if len(data) > MAX_HEAD_BYTES:
            self.transport.close()
        else:
            self._received = data

    def redirect(self, location: str) -> None:
        """Answer with a redirect."""
        self._answer(self._found + location.encode() + (_CLOSE if self._is_stopping else _END))

    def show(self, page: Page) -> None:
        """Answer with a page."""
        head = page.head + (_CLOSE if self._is_stopping else _END)
        self._answer(head if self._is_head_request else head + page.body)

    def _answer(self, data: bytes) -> None:
        self._is_waiting = False
        if self.transport.is_closing():
            return
        self.transport.write(data)
        if self._is_stopping:
            self.transport.close()
        elif self._received:
            self.data_received(b"")

    def shutdown(self) -> None:
        """Close, or tell nginx with the answer that is due that this connection ends."""
        if self._is_waiting:
            self._is_stopping = True
        else:
            super().shutdown()


def _is_incomplete(data: bytes) -> bool:
    is_a_request = b"GET /".startswith(data[:5]) or b"HEAD /".startswith(data[:6])
    return is_a_request and _END not in data
