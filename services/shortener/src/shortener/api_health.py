"""The resource `/health`, which Shlink's clients ask first."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

API_VERSION = "5.1.0"
"""Shlink's version, not ours: its clients compare it to decide which features to offer, and would
hide what this API has if it were lower."""

TIMEOUT_S = 1.0

_LINKS = {"about": "https://shlink.io", "project": "https://github.com/shlinkio/shlink"}


class Health(msgspec.Struct, frozen=True):
    """Whether the API works, and as which version of Shlink's."""

    status: Literal["pass", "fail"]
    version: str
    links: dict[str, str]


class ApiHealth:
    """Passes while a trivial query does."""

    def __init__(self, ping_database: Callable[[], Awaitable[object]]) -> None:
        self._ping_database = ping_database

    async def get(self, _: Request) -> Response:
        """GET /health; needs no key."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._ping_database()
            status: Literal["pass", "fail"] = "pass"
        except Exception:  # whatever it is, the answer is the same
            status = "fail"
        return Response(
            msgspec.json.encode(Health(status, API_VERSION, _LINKS)),
            status_code=200 if status == "pass" else 503,
            media_type="application/health+json",
        )
