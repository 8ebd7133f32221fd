"""The redirect as an ASGI application: for requests that our nginx has not put in shape."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from redirector import pages
from redirector.pages import Page, redirect_to
from redirector.redirect import Redirect
from redirector.request import Clock, Request


class _AsgiVisitor:
    """Waits for one answer, as a page."""

    __slots__ = ("_status", "answer")

    def __init__(self, status: int) -> None:
        self._status = status
        self.answer: asyncio.Future[Page] = asyncio.get_running_loop().create_future()

    def redirect(self, location: str) -> None:
        self.show(redirect_to(location, self._status))

    def show(self, page: Page) -> None:
        if not self.answer.done():  # else the visitor has gone
            self.answer.set_result(page)


class AsgiRedirect:
    """Serves GET and HEAD of every path; anything else is 405."""

    __slots__ = ("_clock", "_redirect")

    def __init__(self, redirect: Redirect, *, clock: Clock) -> None:
        self._redirect = redirect
        self._clock = clock

    async def __call__(
        self, scope: Any, receive: object, send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Serve one request."""
        if scope["method"] not in ("GET", "HEAD"):
            return await pages.METHOD_NOT_ALLOWED.send(send)
        visitor = _AsgiVisitor(self._redirect.status)
        self._redirect.take(Request.from_scope(scope, self._clock), visitor)
        await (await visitor.answer).send(send)
