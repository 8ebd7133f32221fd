"""Redis is hurt under steady traffic: nobody notices, and nobody sees what is too old."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import httpx2
import pytest
from redis.asyncio import Redis

from local_stack.stack import Stack
from tests.support.traffic import unnoticed


async def test_without_redis_redirects_go_on(
    whole_stack: Stack, visitor: httpx2.AsyncClient, codes: list[str]
) -> None:
    """Redis stopped and started again: no failed redirect, every click counted."""
    async with unnoticed(whole_stack.urls.database_url, visitor, codes):
        await asyncio.sleep(0.5)
        await asyncio.to_thread(whole_stack.stop_program, "redis")
        await asyncio.sleep(2)
        await asyncio.to_thread(whole_stack.start_program, "redis")
        await asyncio.to_thread(whole_stack.wait_ready, "redis", 30)
        await asyncio.sleep(1)


async def _kill_redis(stack: Stack) -> None:
    await asyncio.to_thread(stack.kill, "redis")
    await asyncio.to_thread(stack.wait_ready, "redis", 30)


async def _restart_redis(stack: Stack) -> None:
    await asyncio.to_thread(stack.restart_program, "redis")
    await asyncio.to_thread(stack.wait_ready, "redis", 30)


async def _empty_redis(stack: Stack) -> None:
    async with Redis.from_url(stack.urls.redis_url) as redis:
        await redis.flushall()


@pytest.mark.parametrize(
    "hurt", [_kill_redis, _restart_redis, _empty_redis], ids=["killed", "restarted", "emptied"]
)
async def test_a_redis_that_has_forgotten_everything_is_filled_again(
    whole_stack: Stack,
    visitor: httpx2.AsyncClient,
    codes: list[str],
    hurt: Callable[[Stack], Awaitable[None]],
) -> None:
    """Redis loses its memory: no failed redirect, every click counted."""
    async with unnoticed(whole_stack.urls.database_url, visitor, codes):
        await asyncio.sleep(0.5)
        await hurt(whole_stack)
        await asyncio.sleep(1)


async def test_a_frozen_redis_costs_no_redirect(
    whole_stack: Stack, visitor: httpx2.AsyncClient, codes: list[str]
) -> None:
    """A Redis that takes connections and says nothing is given up, and used again later."""
    async with unnoticed(whole_stack.urls.database_url, visitor, codes):
        await asyncio.sleep(0.5)
        await asyncio.to_thread(whole_stack.freeze, "redis")
        await asyncio.sleep(2)
        await asyncio.to_thread(whole_stack.thaw, "redis")
        await asyncio.sleep(1)


@pytest.fixture
async def database(stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    """A connection, for who asks often."""
    connection = await asyncpg.connect(stack.urls.database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def _until_relayed(database: asyncpg.Connection, code: str) -> None:
    """Wait until the cache has every change of a link that the API has answered."""
    async with asyncio.timeout(20):
        while await _is_pending(database, code):
            await asyncio.sleep(0.01)


async def _is_pending(database: asyncpg.Connection, code: str) -> bool:
    return bool(await database.fetch("SELECT FROM link_outbox WHERE short_code = $1", code))


async def test_an_edit_while_redis_is_away_is_seen_on_its_return(
    whole_stack: Stack,
    api: httpx2.AsyncClient,
    visitor: httpx2.AsyncClient,
    database: asyncpg.Connection,
    codes: list[str],
) -> None:
    """A Redis that was frozen during an edit is told of it, and from then on all see it."""
    code = codes[0]
    await asyncio.to_thread(whole_stack.freeze, "redis")
    edited = await api.patch(f"/short-urls/{code}", json={"longUrl": "https://example.org/new"})
    assert edited.status_code == 200
    await asyncio.to_thread(whole_stack.thaw, "redis")
    await _until_relayed(database, code)
    for _ in range(50):
        answer = await visitor.get(f"/{code}")
        assert answer.headers.get("location") == "https://example.org/new"


async def test_no_answer_is_staler_than_a_second(
    stack: Stack, api: httpx2.AsyncClient, database: asyncpg.Connection, codes: list[str]
) -> None:
    """A second after the cache was told of an edit, neither replica answers an older one."""
    code, last = codes[1], 200
    relayed: list[tuple[float, int]] = []
    stale: list[tuple[int, float]] = []

    async def read(port: int) -> None:
        """Ask until an answer was compared with the last edit."""
        bound = 0
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as replica:
            while bound < last:
                asked_at = time.monotonic()
                answer = await replica.get(f"/{code}", headers={"Host": "localhost"})
                if answer.status_code != 302:
                    continue  # without Redis, a busy PostgreSQL may be too late
                seen = int(answer.headers["location"].rsplit("/", 1)[1])
                bound = max((number for at, number in relayed if at < asked_at - 1.0), default=0)
                if seen < bound:
                    stale.append((seen, asked_at))

    async def edit() -> None:
        for number in range(1, last + 1):
            target = f"https://example.org/{number}"
            answer = await api.patch(f"/short-urls/{code}", json={"longUrl": target})
            assert answer.status_code == 200
            if not await _is_pending(database, code):
                relayed.append((time.monotonic(), number))
            if number % 50 == 0:  # now and then the cache is empty, and reads race to fill it
                await asyncio.to_thread(stack.kill, "redis")
        await _until_relayed(database, code)
        relayed.append((time.monotonic(), last))

    await api.patch(f"/short-urls/{code}", json={"longUrl": "https://example.org/0"})
    await _until_relayed(database, code)
    async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
        for name in ("redirector-1", "redirector-2"):
            for _ in range(2):
                tasks.create_task(read(stack.port(name)))
        tasks.create_task(edit())
    await asyncio.to_thread(stack.wait_ready, "redis", 30)
    assert relayed[0][1] < last
    assert stale == []
