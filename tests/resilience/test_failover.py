"""A replica that dies after spooling a click and before answering: nginx asks the other one."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx2

from local_stack import nginx, readiness, startup
from local_stack.home import Home
from local_stack.ports import choose_ports
from local_stack.stack import Stack
from tests.support.database import fetch, wait_until_stored

VISITS = 20


@asynccontextmanager
async def dying_before_the_answer(port: int) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Stand before a replica: let it do all of its work, then hang up instead of answering."""
    swallowed: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        replica_reader, replica_writer = await asyncio.open_connection("127.0.0.1", port)
        replica_writer.write(request)
        swallowed.append(await replica_reader.readuntil(b"\r\n\r\n"))
        replica_writer.close()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], swallowed


@contextmanager
def a_gateway(folder: Path, stack: Stack, redirector_1: int) -> Iterator[str]:
    """Run nginx, configured as always, with another first replica; give its public URL."""
    home = Home(folder)
    home.create()
    ports = {
        **choose_ports(["nginx", "api"], wanted={}),
        "redirector-1": redirector_1,
        "redirector-2": stack.port("redirector-2"),
        "shortener": stack.port("shortener"),
    }
    program = nginx.program(home, ports, {})
    startup.write_files(home, [program])
    with subprocess.Popen(program.command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until_it_accepts(ports["nginx"], process)
            yield f"http://127.0.0.1:{ports['nginx']}"
        finally:
            process.terminate()


def wait_until_it_accepts(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Wait until nginx takes connections."""
    deadline = time.monotonic() + 10
    while True:
        try:
            readiness.accepts(port)
            return
        except OSError:
            assert process.poll() is None, "nginx did not start"
            assert time.monotonic() < deadline, "nginx takes no connections"
            time.sleep(0.02)


async def repeated(database_url: str) -> int:
    """Count the clicks that have arrived more than once."""
    query = "SELECT coalesce(sum(repeated), 0)::int FROM click_ledger"
    (row,) = await fetch(database_url, query)
    return int(row[0])


async def test_a_click_spooled_by_both_replicas_is_one_row(
    stack: Stack, api: httpx2.AsyncClient, tmp_path: Path
) -> None:
    """Both replicas spool the click of a retried request under one id, and it is stored once."""
    database_url = stack.urls.database_url
    created = await api.post("/short-urls", json={"longUrl": "https://example.org/"})
    code = created.json()["shortCode"]
    repeated_before = await repeated(database_url)
    async with dying_before_the_answer(stack.port("redirector-1")) as (port, swallowed):
        with a_gateway(tmp_path / "gateway", stack, port) as url:
            async with httpx2.AsyncClient(base_url=url) as visitor:
                answers = [await visitor.get(f"/{code}") for _ in range(VISITS)]
    assert [answer.status_code for answer in answers] == [302] * VISITS
    assert swallowed, "no request met the dying replica"
    assert all(answer.startswith(b"HTTP/1.1 302") for answer in swallowed)
    seen = sorted(answer.headers["x-request-id"] for answer in answers)
    await wait_until_stored(database_url, set(seen))
    async with asyncio.timeout(30):
        while await repeated(database_url) < repeated_before + len(swallowed):
            await asyncio.sleep(0.1)
    rows = await fetch(database_url, "SELECT request_id FROM clicks WHERE short_code = $1", code)
    assert sorted(row["request_id"] for row in rows) == seen
