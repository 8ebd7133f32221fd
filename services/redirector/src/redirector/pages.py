"""The few answers that are not redirects: small, self-contained, without a lookup."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem;
  margin: 20vh auto; padding: 0 1rem }}
@media (prefers-color-scheme: dark) {{ body {{ background: #111; color: #eee }} }}
</style>
<h1>{title}</h1>
<p>{text}</p>
"""

_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
)
"""Not on redirects: there a policy would change the referer that the destination is sent."""

_ICON = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    b'<path d="M3 8h8M8 4l4 4-4 4" fill="none" stroke="#36c" stroke-width="2"/></svg>'
)


class Page:
    """One complete answer. `head` is its HTTP/1.1 head but for the empty line that ends it."""

    __slots__ = ("body", "head", "headers", "status")

    def __init__(self, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.status = status
        self.body = body
        self.headers = [(b"content-length", b"%d" % len(body)), *headers]
        lines = [b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode())]
        self.head = b"\r\n".join(lines + [b": ".join(header) for header in self.headers])

    async def send(self, send: Callable[[Any], Awaitable[None]]) -> None:
        """Send the answer over ASGI; the server drops the body for HEAD."""
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body})


def redirect_to(location: str, status: int) -> Page:
    """Make the answer that leads to `location` (ASCII).

    A cached redirect loses clicks and hides edits (docs/adr/0003).
    """
    return Page(
        status,
        b"",
        [(b"cache-control", b"private, no-store"), (b"location", location.encode("ascii"))],
    )


def _html(status: int, title: str, text: str, *headers: tuple[bytes, bytes]) -> Page:
    return Page(
        status,
        _PAGE.format(title=title, text=text).encode(),
        (
            (b"content-type", b"text/html; charset=utf-8"),
            (b"cache-control", b"private, no-store"),
            *_SECURITY,
            *headers,
        ),
    )


NOT_FOUND = _html(404, "Not found", "There is nothing at this address.")
UNAVAILABLE = _html(
    503, "Back in a moment", "This link cannot be looked up just now. Please try again.",
    (b"retry-after", b"1"),
)  # fmt: skip
BLOCKED = _html(410, "Switched off", "This link led to a place that we do not send anybody to.")
TOO_MANY = _html(
    429, "Too many requests", "Too many unknown addresses were asked for. Please try again later.",
    (b"retry-after", b"60"),
)  # fmt: skip
FAILED = _html(500, "Something went wrong", "This is our fault. Please try again.")
METHOD_NOT_ALLOWED = _html(
    405, "Method not allowed", "Short URLs answer GET and HEAD.", (b"allow", b"GET, HEAD")
)
FAVICON = Page(
    200,
    _ICON,
    (
        (b"content-type", b"image/svg+xml"),
        (b"cache-control", b"public, max-age=86400"),
        (b"x-content-type-options", b"nosniff"),
    ),
)
PIXEL = Page(
    200,
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;",
    (
        (b"content-type", b"image/gif"),
        (b"cache-control", b"private, no-store"),
        (b"x-content-type-options", b"nosniff"),
    ),
)


def plain_text(text: str, *, max_age_s: int) -> Page:
    """Make a page of plain text that may be kept for a while."""
    return Page(
        200,
        text.encode(),
        (
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"cache-control", b"max-age=%d" % max_age_s),
            (b"x-content-type-options", b"nosniff"),
        ),
    )
