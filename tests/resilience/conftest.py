"""A stack to hurt, and links that are cached before it is."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from local_stack.stack import Stack


@pytest.fixture
async def codes(api: httpx2.AsyncClient, visitor: httpx2.AsyncClient) -> list[str]:
    """Twenty links that have been visited, so that they are cached."""
    made = []
    for _ in range(20):
        answer = await api.post("/short-urls", json={"longUrl": "https://example.org/"})
        made.append(str(answer.json()["shortCode"]))
        await visitor.get(f"/{made[-1]}")
    return made


@pytest.fixture
async def whole_stack(stack: Stack) -> AsyncIterator[Stack]:
    """The stack, made whole again afterwards."""
    yield stack
    for name in stack.programs:
        await asyncio.to_thread(stack.thaw, name)
        await asyncio.to_thread(stack.start_program, name)
    for name in stack.programs:
        await asyncio.to_thread(stack.wait_ready, name, 60)
