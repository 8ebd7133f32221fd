"""The links of a run: made through the API before it, and steadily during it."""

import asyncio
from dataclasses import dataclass, field

import httpx2

from local_stack.stack import Stack

TOGETHER = 8
CREATE_EACH_S = 0.5


def api_client(stack: Stack) -> httpx2.AsyncClient:
    """Return a client of the stack's API with its first key."""
    return httpx2.AsyncClient(
        base_url=f"{stack.urls.api_url}/rest/v3",
        headers={"X-Api-Key": stack.urls.api_key},
        timeout=10,
    )


async def create_links(stack: Stack, count: int) -> list[str]:
    """Make this many links; return their short codes."""
    codes: list[str] = []

    async def create_some(api: httpx2.AsyncClient) -> None:
        while len(codes) < count:
            answer = await api.post("/short-urls", json={"longUrl": "https://example.org/"})
            answer.raise_for_status()
            codes.append(answer.json()["shortCode"])

    async with api_client(stack) as api, asyncio.TaskGroup() as tasks:
        for _ in range(TOGETHER):
            tasks.create_task(create_some(api))
    return codes[:count]


@dataclass
class Author:
    """Makes a link twice a second; the API may refuse, but what it has confirmed must exist."""

    created: list[str] = field(default_factory=list)
    refused: int = 0

    async def write(self, stack: Stack) -> None:
        """Go on for ever."""
        async with api_client(stack) as api:
            while True:
                await asyncio.sleep(CREATE_EACH_S)
                try:
                    answer = await api.post(
                        "/short-urls", json={"longUrl": "https://example.org/"}
                    )
                except httpx2.HTTPError:
                    self.refused += 1
                    continue
                if answer.status_code == httpx2.codes.OK:
                    self.created.append(answer.json()["shortCode"])
                else:
                    self.refused += 1
