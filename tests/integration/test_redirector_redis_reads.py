"""The hot path's connection to a real Redis."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import hiredis
import pytest
from redis.asyncio import Redis

from redirector.redis_reads import RedisReads
from shared.background import background_tasks
from shared.settings import Secret
from tests.support.certificates import a_certificate
from tests.support.tcp_proxy import TcpProxy, proxied

DEADLINE_S = 10


@asynccontextmanager
async def reading(url: str, *, overdue_s: float = 1.0) -> AsyncIterator[RedisReads]:
    """Open reads of a Redis for the block."""
    async with background_tasks() as tasks, asyncio.timeout(DEADLINE_S):
        reads = RedisReads(
            Secret(url), client_name="tests lookups", tasks=tasks, overdue_s=overdue_s
        )
        try:
            yield reads
        finally:
            reads.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Another client of the same Redis."""
    async with Redis.from_url(redis_url) as client:
        yield client


async def test_values_come_in_the_order_of_the_keys(redis: Redis, redis_url: str) -> None:
    """Values are bytes as they were set, None where there is none, for keys of any text."""
    await redis.mset({"a": b"\x00\xff\r\n", "größe:x": "2", "empty": ""})
    async with reading(redis_url) as reads:
        assert await reads.mget(["a", "nope", "größe:x", "empty"]) == [
            b"\x00\xff\r\n", None, b"2", b"",
        ]  # fmt: skip


async def test_lookups_at_once_share_one_connection(redis: Redis, redis_url: str) -> None:
    """Commands that are under way together go over one connection, each to its own reply."""
    await redis.mset({f"k{number}": number for number in range(50)})
    async with reading(redis_url) as reads, asyncio.TaskGroup() as tasks:
        replies = [tasks.create_task(reads.mget([f"k{number}"])) for number in range(50)]
        await asyncio.wait(replies)
        names = [client["name"] for client in await redis.client_list()]
    assert [reply.result() for reply in replies] == [[b"%d" % number] for number in range(50)]
    assert names.count("tests-lookups") == 1


async def test_the_database_of_the_url_is_read(redis_url: str) -> None:
    """The number at the end of the URL is the database that is read."""
    url = f"{redis_url.rsplit('/', 1)[0]}/3"
    async with Redis.from_url(url) as other, reading(url) as reads:
        await other.set("here", "3")
        assert await reads.mget(["here"]) == [b"3"]
        await other.flushdb()


async def test_a_lost_connection_fails_what_waits_and_is_opened_again(redis_url: str) -> None:
    """Who waits for a reply hears of the loss; the next command has a new connection."""
    async with proxied(redis_url) as (proxy, url), reading(url) as reads:
        await reads.ping()
        proxy.shut_on(b"lost", after_delivery=True)
        with pytest.raises(ConnectionError):
            await reads.mget(["lost"])
        proxy.mend()
        assert await reads.mget(["found"]) == [None]


async def test_a_command_given_up_leaves_the_others_alone(redis: Redis, redis_url: str) -> None:
    """Who gives up takes nobody's reply along, and the next one does not get theirs."""
    await redis.mset({"slow": "1", "other": "2", "next": "3"})
    async with proxied(redis_url) as (proxy, url), reading(url) as reads:
        await reads.ping()
        proxy.freeze()
        async with asyncio.TaskGroup() as tasks:
            slow = tasks.create_task(reads.mget(["slow"]))
            other = tasks.create_task(reads.mget(["other"]))
            await asyncio.sleep(0)
            slow.cancel()
            await asyncio.wait([slow])
            proxy.mend()
        assert other.result() == [b"2"]
        assert await reads.mget(["next"]) == [b"3"]


async def test_opening_goes_on_when_the_one_who_asked_for_it_has_gone(redis_url: str) -> None:
    """A deadline that is too short for opening a connection is met by a later command."""
    async with reading(redis_url) as reads:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await reads.mget(["any"])
        assert await reads.mget(["any"]) == [None]
        async with Redis.from_url(redis_url) as other:
            names = [client["name"] for client in await other.client_list()]
    assert names.count("tests-lookups") == 1


async def test_a_connection_that_is_silent_too_long_is_replaced(redis_url: str) -> None:
    """What has not answered in time is dropped with all who wait for it, and opened again."""
    async with proxied(redis_url) as (proxy, url), reading(url, overdue_s=0.2) as reads:
        await reads.ping()
        proxy.freeze()
        stuck = asyncio.ensure_future(reads.mget(["stuck"]))
        await asyncio.sleep(0.25)
        with pytest.raises(TimeoutError):
            await reads.mget(["frozen too"])
        with pytest.raises(ConnectionError):
            await stuck
        proxy.mend()
        found = None
        while found is None:  # a busy machine may need more than one try
            with suppress(TimeoutError):
                found = await reads.mget(["any"])
        assert found == [None]


async def test_a_refusal_is_an_error_and_no_loss(redis_url: str) -> None:
    """What Redis refuses is raised to its caller, and the connection stays in use."""
    async with reading(redis_url) as reads:
        with pytest.raises(hiredis.ReplyError):
            await reads.mget([])
        await reads.ping()


async def test_a_wrong_password_is_an_error(redis_url: str) -> None:
    """A connection that is not let in is not kept, and the password is not told."""
    address = urlsplit(redis_url)
    async with reading(f"redis://:wrong-one@127.0.0.1:{address.port}/0") as reads:
        for _ in range(2):
            with pytest.raises(hiredis.ReplyError) as refused:
                await reads.ping()
            assert "wrong-one" not in str(refused.value)


async def test_nobody_there_is_an_error_at_once() -> None:
    """A refused connection is an error without a second try."""
    async with reading("redis://127.0.0.1:1/0") as reads:
        with pytest.raises(OSError, match="1"):
            await reads.mget(["any"])


async def test_a_unix_socket_is_read(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    """A URL of a Unix socket leads to the Redis behind it."""
    await redis.set("here", "1")
    address = urlsplit(redis_url)
    path = tmp_path / "redis.sock"
    proxy = TcpProxy("127.0.0.1", address.port or 0)
    server = await asyncio.start_unix_server(proxy.serve, path)
    async with server, reading(f"unix://:{address.password}@{path}?db=0") as reads:
        assert await reads.mget(["here"]) == [b"1"]
        proxy.shut()
        await proxy.wait_until_closed()


async def test_tls_is_spoken_and_checked(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    """A rediss URL is read over TLS, by a certificate that has to be trusted."""
    await redis.set("here", "1")
    address = urlsplit(redis_url)
    certificate, context = a_certificate(tmp_path)
    proxy = TcpProxy("127.0.0.1", address.port or 0)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    url = f"rediss://:{address.password}@localhost:{port}/0"
    async with server:
        async with reading(f"{url}?ssl_ca_certs={certificate}") as reads:
            assert await reads.mget(["here"]) == [b"1"]
        async with reading(url) as reads:
            with pytest.raises(ssl.SSLCertVerificationError):
                await reads.ping()
        await proxy.wait_until_closed()
