"""What a load run asks of a target's processes and stores, wherever they are."""

import asyncio
from typing import Any

import asyncpg
import httpx2

from tests.load.service_side import ServiceSide
from tests.load.target import Target

PAGE = """\
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes {megabytes}e6
# TYPE qck_redirects_total counter
qck_redirects_total{{outcome="redirect"}} 5
# TYPE process_start_time_seconds gauge
process_start_time_seconds {megabytes}
"""


READY = {"checks": {"redis": {"pool": {"utilisation": 0.5}}}}


class GoneDatabase:
    """A connection whose server has died."""

    async def fetchval(self, *_: object, **__: object) -> Any:
        """Fail as the driver does."""
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle")


async def side_of(*hosts: str) -> ServiceSide:
    """Return the side of processes that tell their last number as their memory."""

    async def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/readyz":
            return httpx2.Response(200, json=READY)
        return httpx2.Response(200, text=PAGE.format(megabytes=request.url.host[-1]))

    processes = [f"http://{host}" for host in hosts]
    side = ServiceSide(Target("http://10.0.0.9", "http://10.0.0.9", "key", processes))
    await side._http.aclose()
    side._http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    return side


async def test_processes_elsewhere_may_all_have_the_same_port() -> None:
    """Each is looked at under its own address, and none in place of another."""
    async with await side_of("10.0.0.1:8000", "10.0.0.2:8000") as side:
        look = await side._look()
        counted = await side.counts()
    assert look.memory_bytes == {"10.0.0.1:8000": 1e6, "10.0.0.2:8000": 2e6}
    assert look.utilisation == 0.5
    assert counted.counts.redirects == 10
    assert counted.started == {1.0, 2.0}


async def test_a_database_that_dies_leaves_a_gap() -> None:
    """Looking goes on: else a run would be judged by what was seen before."""
    async with await side_of("10.0.0.1:8000") as side:
        side._database = GoneDatabase()  # type: ignore[assignment]
        watching = asyncio.create_task(side.watch())
        while not side.looks:
            await asyncio.sleep(0)
        assert not watching.done()
        watching.cancel()
        side._database = None
    assert side.looks[0].database_connections is None
    assert side.looks[0].memory_bytes
