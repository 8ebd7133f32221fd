"""A shortener in this process, and a client with the first key."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from starlette.applications import Starlette

from shared.settings import load
from shortener.app import create_app
from shortener.settings import Settings

API_KEY = "a-key-of-these-tests"
DEFAULT_DOMAIN = "s.test"


def a_settings(database_url: str, redis_url: str, **variables: str) -> Settings:
    """Make settings that leave everything else at its default."""
    return load(
        Settings,
        {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "DEFAULT_DOMAIN": DEFAULT_DOMAIN,
            "INITIAL_API_KEY": API_KEY,
            **variables,
        },
    )


@asynccontextmanager
async def running(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """Run the application's lifespan in a task of its own and give a client of version 3."""
    is_started, is_over = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.router.lifespan_context(app):
            is_started.set()
            await is_over.wait()

    life = asyncio.create_task(live())
    waiting = asyncio.create_task(is_started.wait())
    await asyncio.wait([life, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    transport = httpx2.ASGITransport(app)
    try:
        async with httpx2.AsyncClient(
            transport=transport,
            base_url="http://shortener/rest/v3",
            headers={"X-Api-Key": API_KEY},
            timeout=30,
        ) as client:
            yield client
    finally:
        is_over.set()
        await life


@asynccontextmanager
async def running_shortener(
    database_url: str, redis_url: str, **variables: str
) -> AsyncIterator[httpx2.AsyncClient]:
    """Run a shortener with these stores, and wait until it has stored the first key."""
    async with running(create_app(a_settings(database_url, redis_url, **variables))) as client:
        async with asyncio.timeout(20):
            # 401 until the key is there, and 503 where that has the only connection just now.
            while (await client.get("/short-urls")).status_code in (401, 503):
                await asyncio.sleep(0.01)
        yield client
