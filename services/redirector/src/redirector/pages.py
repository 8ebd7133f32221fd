"""The few answers that are not redirects: small, self-contained, without a lookup."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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

_ICON = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    b'<path d="M3 8h8M8 4l4 4-4 4" fill="none" stroke="#36c" stroke-width="2"/></svg>'
)


@dataclass(frozen=True, slots=True)
class Page:
    """One complete answer, made at import: `send` only hands it over."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]

    async def send(self, send: Callable[[Any], Awaitable[None]]) -> None:
        """Send the answer; the server drops the body for HEAD."""
        headers = [*self.headers, (b"content-length", b"%d" % len(self.body))]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})

    async def __call__(
        self, scope: object, receive: object, send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Serve the page as an ASGI application."""
        await self.send(send)


def _html(status: int, title: str, text: str, *headers: tuple[bytes, bytes]) -> Page:
    return Page(
        status,
        _PAGE.format(title=title, text=text).encode(),
        (
            (b"content-type", b"text/html; charset=utf-8"),
            (b"cache-control", b"private, no-store"),
            *headers,
        ),
    )


NOT_FOUND = _html(404, "Not found", "There is nothing at this address.")
UNAVAILABLE = _html(
    503, "Back in a moment", "This link cannot be looked up just now. Please try again.",
    (b"retry-after", b"1"),
)  # fmt: skip
METHOD_NOT_ALLOWED = _html(
    405, "Method not allowed", "Short URLs answer GET and HEAD.", (b"allow", b"GET, HEAD")
)
ROBOTS = Page(
    200,
    b"User-agent: *\nDisallow: /\n",
    ((b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"max-age=3600")),
)
FAVICON = Page(
    200,
    _ICON,
    ((b"content-type", b"image/svg+xml"), (b"cache-control", b"public, max-age=86400")),
)
