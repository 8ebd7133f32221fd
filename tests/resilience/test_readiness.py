"""What the services say of themselves while a store is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from local_stack.programs import SERVICES
from local_stack.stack import Stack

DEADLINE_S = 20


async def readiness(stack: Stack, name: str) -> tuple[int, dict[str, Any]]:
    """Ask a service for its state."""
    async with httpx2.AsyncClient(timeout=5) as http:
        answer = await http.get(f"http://127.0.0.1:{stack.port(name)}/readyz")
    return answer.status_code, answer.json()


async def until(stack: Stack, name: str, status: str) -> dict[str, Any]:
    """Wait for a service to be in this state; return its checks."""
    async with asyncio.timeout(DEADLINE_S):
        while (found := await readiness(stack, name))[1]["status"] != status:
            await asyncio.sleep(0.1)
    assert found[0] == (503 if status == "down" else 200)
    checks: dict[str, Any] = found[1]["checks"]
    return checks


@asynccontextmanager
async def without(stack: Stack, program: str) -> AsyncIterator[None]:
    """Stop a program for the block; afterwards everybody is well again."""
    await asyncio.to_thread(stack.stop_program, program)
    try:
        yield
    finally:
        await asyncio.to_thread(stack.start_program, program)
        await asyncio.to_thread(stack.wait_ready, program, 60)
        for name in SERVICES:
            await until(stack, name, "ok")


async def test_a_dead_redis_degrades_a_redirector_and_no_more(
    stack: Stack, codes: list[str], visitor: httpx2.AsyncClient
) -> None:
    """It stays in rotation and answers, and says which store is given up."""
    async with without(stack, "redis"):
        for code in codes:
            assert (await visitor.get(f"/{code}")).status_code == 302
        for name in ("redirector-1", "redirector-2"):
            checks = await until(stack, name, "degraded")
            assert checks["redis"]["status"] == "down"
            assert checks["redis"]["reason"]
            assert checks["redis"]["pool"]["size"] > 0
            assert checks["postgres"]["status"] == "ok"
            assert checks["postgres"]["breaker"] == "closed"
            assert {"backlog_clicks", "backlog_bytes", "oldest_age_s"} <= checks["spool"].keys()
        breakers = [
            (await readiness(stack, name))[1]["checks"]["redis"]["breaker"]
            for name in ("redirector-1", "redirector-2")
        ]
        assert "open" in breakers
        assert (await until(stack, "shortener", "degraded"))["redis"]["status"] == "down"


async def test_a_dead_database_takes_down_what_needs_it(stack: Stack) -> None:
    """A redirector goes on with what is cached; the shortener and click-ingest cannot work."""
    async with without(stack, "postgres"):
        assert (await until(stack, "redirector-1", "degraded"))["redis"]["status"] == "ok"
        for name in ("shortener", "click-ingest"):
            assert (await until(stack, name, "down"))["postgres"]["status"] == "down"


async def test_queues_are_part_of_a_workers_state(stack: Stack) -> None:
    """What waits in the queue and among the dead letters is told."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            _, state = await readiness(stack, "click-ingest")
            if queued := state["checks"]["rabbitmq"].get("queued_messages"):
                break
            await asyncio.sleep(0.1)
    assert queued.keys() == {"clicks.ingest", "clicks.dead"}
