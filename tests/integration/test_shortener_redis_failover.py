"""Redis fails over to a replica, or starts again with what it had written down: old links go."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
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
from shortener.cache_keeper import CacheKeeper
from shortener.cache_takeover import CacheTakeover
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
        for name, port in ports.items():
            folder = tmp_path / name
            folder.mkdir()
            running.enter_context(a_redis(port, folder))
        yield ports


@contextmanager
def a_redis(port: int, folder: Path) -> Iterator[None]:
    """Run a server that begins with the dump in `folder`, if there is one."""
    command = [
        binaries.require("redis-server"), "--port", str(port), "--bind", LOOPBACK,
        "--save", "", "--dir", str(folder), "--repl-diskless-sync-delay", "0",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.fixture
async def servers(ports: dict[str, int]) -> AsyncIterator[tuple[Redis, Redis]]:
    """The primary and its replica, in step."""
    async with Redis(port=ports["first"]) as first, Redis(port=ports["second"]) as second:
        async with asyncio.timeout(DEADLINE_S):
            await _until_answers(first)
            await _until_answers(second)
            await second.replicaof(LOOPBACK, ports["first"])
            while (await second.info("replication"))["master_link_status"] != "up":
                await asyncio.sleep(0.01)
        yield first, second


async def _until_answers(server: Redis) -> None:
    while True:
        try:
            await server.ping()
        except RedisConnectionError:
            await asyncio.sleep(0.01)
        else:
            return


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
            await _until_kept_by(server, servers[0])
        yield client


async def _location(server: Redis) -> str | None:
    link = (await LinkCache(server, LinkCacheSettings()).get_many([("", "edited")]))[0]
    return None if link is None else link.location


async def _until_leading_to(server: Redis, location: str | None) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while await _location(server) != location:
            await asyncio.sleep(0.01)


async def _until_kept_by(server: Redis, keeper: Redis) -> None:
    name = (await keeper.info("server"))["run_id"]
    async with asyncio.timeout(DEADLINE_S):
        while await server.get("link:keeper") != name.encode():
            await asyncio.sleep(0.01)


async def test_what_a_promoted_replica_missed_is_not_served(
    client: httpx2.AsyncClient,
    servers: tuple[Redis, Redis],
    ports: dict[str, int],
    door: tuple[TcpProxy, str],
) -> None:
    """A replica that had no word of an edit loses its links when it takes over, and only those."""
    first, second = servers
    await first.set("others:key", "theirs")
    await first.wait(1, DEADLINE_S * 1000)
    await second.replicaof("NO", "ONE")  # from here on it hears nothing
    assert (await client.patch("/short-urls/edited", json={"longUrl": NEW_URL})).is_success
    await _until_leading_to(first, NEW_URL)
    assert await _location(second) == LONG_URL

    door[0].shut()
    door[0].lead_to(ports["second"])
    door[0].mend()
    await _until_leading_to(second, None)
    await _until_kept_by(second, second)
    assert await second.get("others:key") == b"theirs"


async def test_what_redis_missed_on_its_disk_is_not_served(
    client: httpx2.AsyncClient, servers: tuple[Redis, Redis], ports: dict[str, int], tmp_path: Path
) -> None:
    """A Redis that dies and starts with the links that it had before an edit loses them."""
    first, _ = servers
    await first.save()
    assert (await client.patch("/short-urls/edited", json={"longUrl": NEW_URL})).is_success
    await _until_leading_to(first, NEW_URL)
    await first.shutdown(nosave=True)
    with a_redis(ports["first"], tmp_path / "first"):
        async with asyncio.timeout(DEADLINE_S):
            await _until_answers(first)
        await _until_kept_by(first, first)
        assert await _location(first) is None


@pytest.mark.usefixtures("client")
async def test_what_the_same_redis_has_stays(servers: tuple[Redis, Redis]) -> None:
    """Another shortener, or one that starts again, drops nothing where the name is right."""
    first, _ = servers
    await CacheTakeover(CacheKeeper(first), calls=asyncio.Semaphore(1)).turn()
    await _until_kept_by(first, first)
    assert await _location(first) == LONG_URL


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
    assert await _location(second) in (NEW_URL, None)  # it may have been emptied since


async def test_a_takeover_is_seen_past_a_demoted_primary(
    client: httpx2.AsyncClient,
    servers: tuple[Redis, Redis],
    ports: dict[str, int],
    door: tuple[TcpProxy, str],
) -> None:
    """A primary that was made a replica keeps its connections, and the new one is looked at."""
    first, second = servers
    await second.replicaof("NO", "ONE")
    door[0].lead_to(ports["second"])
    await first.replicaof(LOOPBACK, ports["second"])
    await _until_kept_by(second, second)
    assert await _location(second) is None
