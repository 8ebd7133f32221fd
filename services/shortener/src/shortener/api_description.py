"""The resources `/openapi.json` and `/docs`: what the API is, for programs and for people."""

import base64
import hashlib
from functools import cache

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from shortener.openapi.document import make_document
from shortener.openapi.page import STYLE, render_page


class ApiDescription:
    """The page is complete in itself: it has no script and asks no other host."""

    def __init__(self) -> None:
        self._document, self._page = _rendered()
        style = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
        self._page_headers = {
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none';"
                " form-action 'none'; frame-ancestors 'none'"
            ),
            "X-Content-Type-Options": "nosniff",
        }

    async def document(self, _: Request) -> Response:
        """GET /openapi.json; needs no key."""
        return Response(self._document, media_type="application/json")

    async def page(self, _: Request) -> Response:
        """GET /docs; needs no key."""
        return Response(self._page, headers=self._page_headers, media_type="text/html")


@cache
def _rendered() -> tuple[bytes, bytes]:
    """Return the document and the page. Code alone decides them: a process makes them once."""
    document = make_document()
    return msgspec.json.encode(document), render_page(document).encode()
