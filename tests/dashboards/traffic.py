"""A little of everything, so that each panel has something to show."""

import asyncio
import random
import time
import uuid

import httpx2

from local_stack.stack import Stack
from tests.support.zipf import draw_rank

PER_SECOND = 100
LINKS = 200
UNKNOWN_SHARE = 0.03
CALL_SHARE = 0.05


async def traffic(stack: Stack, seconds: int) -> tuple[float, float]:
    """Visit and call for so long; return when it began and ended, in Unix time."""
    async with (
        httpx2.AsyncClient(base_url=stack.urls.public_url, timeout=10) as visitor,
        httpx2.AsyncClient(
            base_url=f"{stack.urls.api_url}/rest/v3",
            headers={"X-Api-Key": stack.urls.api_key},
            timeout=10,
        ) as api,
        asyncio.TaskGroup() as tasks,
    ):
        codes = [await _create(api) for _ in range(LINKS)]
        first = time.time()
        for number in range(seconds * PER_SECOND):
            await asyncio.sleep(max(0, first + number / PER_SECOND - time.time()))
            tasks.create_task(_one_request(visitor, api, codes))
    return first, time.time()


async def _create(api: httpx2.AsyncClient) -> str:
    answer = await api.post("/short-urls", json={"longUrl": "https://example.org/"})
    return str(answer.json()["shortCode"])


async def _one_request(
    visitor: httpx2.AsyncClient, api: httpx2.AsyncClient, codes: list[str]
) -> None:
    drawn = random.random()
    if drawn < UNKNOWN_SHARE:
        await visitor.get(f"/{uuid.uuid4().hex[:8]}")
    elif drawn < UNKNOWN_SHARE + CALL_SHARE:
        await (_create(api) if drawn < UNKNOWN_SHARE + CALL_SHARE / 2 else api.get("/short-urls"))
    else:
        await visitor.get(f"/{codes[draw_rank(random.Random(), len(codes)) - 1]}")
