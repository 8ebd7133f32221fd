"""Steady traffic with a record of its own: what each visitor was answered."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle

import httpx2

from tests.support.database import wait_until_stored


@dataclass
class Traffic:
    """What visitors saw: the request ids of their redirects, and everything that went wrong."""

    redirected: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    async def visit(self, client: httpx2.AsyncClient, code: str) -> None:
        """Visit once and note the answer."""
        started = time.perf_counter()
        try:
            answer = await client.get(f"/{code}")
        except httpx2.HTTPError as error:
            self.failed.append(f"{code}: {error!r}")
            return
        self.slowest_s = max(self.slowest_s, time.perf_counter() - started)
        if answer.status_code == 302:
            self.redirected.add(answer.headers["x-request-id"])
        else:
            self.failed.append(f"{code}: {answer.status_code}")


@asynccontextmanager
async def steady_traffic(
    client: httpx2.AsyncClient, codes: Sequence[str], *, per_second: int = 60
) -> AsyncIterator[Traffic]:
    """Visit the codes in turn at a fixed rate while the block runs, then wait for the answers.

    A visit starts when its time has come, whether or not earlier ones were answered.
    """
    traffic = Traffic()
    is_over = asyncio.Event()

    async def visit_all(visits: asyncio.TaskGroup) -> None:
        started = time.perf_counter()
        for number, code in enumerate(cycle(codes)):
            wait_s = started + number / per_second - time.perf_counter()
            if is_over.is_set():
                return
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            visits.create_task(traffic.visit(client, code))

    async with asyncio.TaskGroup() as visits:
        visits.create_task(visit_all(visits))
        yield traffic
        is_over.set()


async def assert_each_counted_once(database_url: str, traffic: Traffic) -> None:
    """Compare sets: every redirect that a visitor saw has exactly one row."""
    assert traffic.redirected, "there was no traffic"
    stored = await wait_until_stored(database_url, traffic.redirected)
    lost = traffic.redirected - set(stored)
    doubled = len(stored) - len(set(stored))
    assert (len(lost), doubled) == (0, 0)


@asynccontextmanager
async def unnoticed(
    database_url: str, client: httpx2.AsyncClient, codes: Sequence[str]
) -> AsyncIterator[None]:
    """Keep up steady traffic while the block hurts something: nobody fails, each counts once."""
    async with steady_traffic(client, codes) as traffic:
        yield
    assert traffic.failed == []
    await assert_each_counted_once(database_url, traffic)
