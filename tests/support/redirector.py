"""A redirector in this process, on real stores, and what it has recorded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from redirector.app import create_app
from redirector.settings import Settings
from shared.click_event import ClickEvent, decode_lines
from shared.settings import load
from tests.support.api import DEFAULT_DOMAIN

NO_BROKER = "amqp://127.0.0.1:1/"


class RunningRedirector:
    """Visitors come to `visitor`; what they leave stays in the spool, as there is no broker."""

    def __init__(self, visitor: httpx2.AsyncClient, spool: Path) -> None:
        self.visitor = visitor
        self._spool = spool

    def clicks(self) -> list[ClickEvent]:
        """Return everything that was recorded."""
        segments = sorted(self._spool.rglob("*.clicks"))
        return decode_lines(b"".join(segment.read_bytes() for segment in segments))

    async def location(self, path: str, **headers: str) -> str | None:
        """Visit, and return where that leads."""
        answer = await self.visitor.get(
            path, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )
        location: str | None = answer.headers.get("location")
        return location


@asynccontextmanager
async def running_redirector(
    database_url: str, redis_url: str, spool: Path, **variables: str
) -> AsyncIterator[RunningRedirector]:
    """Run a redirector with these stores."""
    settings = load(
        Settings,
        {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "AMQP_URL": NO_BROKER,
            "SPOOL_DIR": str(spool),
            "DEFAULT_DOMAIN": DEFAULT_DOMAIN,
            "VISITOR_HASH_KEY": "k" * 32,
            "PUBLISH_DRAIN_MS": "1",
            **variables,
        },
    )
    app = create_app(settings)
    is_started, is_over = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.router.lifespan_context(app):
            is_started.set()
            await is_over.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(live())
        await is_started.wait()
        try:
            yield RunningRedirector(_visitor(app), spool)
        finally:
            is_over.set()


def _visitor(app: Any) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url=f"http://{DEFAULT_DOMAIN}"
    )
