"""Redis fails over: a replica takes its place, and the former primary stays as its replica."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from local_stack import binaries
from local_stack.install import ensure_installed
from local_stack.ports import LOOPBACK, choose_ports
from local_stack.terminal import Terminal
from shared.link_cache import LinkCache, LinkCacheSettings
from tests.support.api import running_shortener
from tests.support.database import fetch
from tests.support.short_urls import LONG_URL, try_to_create
from tests.support.tcp_proxy import TcpProxy, proxied

NEW_URL = "https://example.org/new"
DEADLINE_S = 10


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[dict[str, int]]:
    """Run two servers, of which the second will be the first one's replica."""
    ensure_installed(("redis",), Terminal())
    ports = choose_ports(["first", "second"], wanted={})
    with ExitStack() as running:
        for port in ports.values():
            command = [
                binaries.require("redis-server"), "--port", str(port), "--bind", LOOPBACK,
                "--save", "", "--dir", str(tmp_path), "--repl-diskless-sync-delay", "0",
            ]  # fmt: skip
            process = running.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            running.callback(process.kill)
        yield ports


@pytest.fixture
async def servers(ports: dict[str, int]) -> AsyncIterator[tuple[Redis, Redis]]:
    """The primary and its replica, in step."""
    async with Redis(port=ports["first"]) as first, Redis(port=ports["second"]) as second:
        async with asyncio.timeout(DEADLINE_S):
            for server in (first, second):
                while not await _answers(server):
                    await asyncio.sleep(0.01)
            await second.replicaof(LOOPBACK, ports["first"])
            while (await second.info("replication"))["master_link_status"] != "up":
                await asyncio.sleep(0.01)
        yield first, second


async def _answers(server: Redis) -> bool:
    try:
        return bool(await server.ping())
    except RedisConnectionError:
        return False


@pytest.fixture
async def door(ports: dict[str, int]) -> AsyncIterator[tuple[TcpProxy, str]]:
    """The address that follows the primary."""
    async with proxied(f"redis://{LOOPBACK}:{ports['first']}/0") as door:
        yield door


@pytest.fixture
async def client(
    database_url: str, servers: tuple[Redis, Redis], door: tuple[TcpProxy, str]
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a shortener that reaches Redis there, and of a link that both servers have."""
    async with running_shortener(database_url, door[1]) as client:
        await try_to_create(client, customSlug="edited")
        for server in servers:
            await _until_leading_to(server, LONG_URL)
        yield client


async def _location(server: Redis) -> str | None:
    link = (await LinkCache(server, LinkCacheSettings()).get_many([("", "edited")]))[0]
    return None if link is None else link.location


async def _until_leading_to(server: Redis, location: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while await _location(server) != location:
            await asyncio.sleep(0.01)


async def test_a_demoted_primary_is_left_for_the_new_one(
    client: httpx2.AsyncClient,
    servers: tuple[Redis, Redis],
    ports: dict[str, int],
    door: tuple[TcpProxy, str],
    database_url: str,
) -> None:
    """A primary that was made a replica keeps its connections, and a change finds the other."""
    first, second = servers
    await second.replicaof("NO", "ONE")
    door[0].lead_to(ports["second"])
    await first.replicaof(LOOPBACK, ports["second"])
    assert (await client.patch("/short-urls/edited", json={"longUrl": NEW_URL})).is_success
    async with asyncio.timeout(DEADLINE_S):
        while await fetch(database_url, "SELECT FROM link_outbox"):
            await asyncio.sleep(0.01)
    assert await _location(second) == NEW_URL
