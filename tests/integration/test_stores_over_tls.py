"""Stores that are reached over TLS, by the forms that their URLs have for it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from sqlalchemy import text

from shared.broker import connect, declare_topology
from shared.db.engine import create_engine, warm
from shared.pool_budget import ReplicaSettings
from shared.pool_limits import database_problem
from shared.settings import DatabaseSettings, Secret
from shared.store_url import DatabaseUrl
from tests.support.certificates import a_certificate
from tests.support.tcp_proxy import TcpProxy

ASKS_FOR_TLS = 8
"""Bytes in which a client of PostgreSQL asks for it, before anything else."""


@asynccontextmanager
async def behind_tls(
    url: str, context: ssl.SSLContext, scheme: str, *, after_asking: bool = False
) -> AsyncIterator[str]:
    """Give the URL of a server that speaks TLS, and hands what it hears to the one of `url`."""
    parts = urlsplit(url)
    proxy = TcpProxy("127.0.0.1", parts.port or 0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if after_asking:
            await reader.readexactly(ASKS_FOR_TLS)
            writer.write(b"S")
            try:
                await writer.start_tls(context)
            except OSError:  # the client does not trust the certificate
                return
        await proxy.serve(reader, writer)

    server = await asyncio.start_server(
        serve, "127.0.0.1", 0, ssl=None if after_asking else context
    )
    port = server.sockets[0].getsockname()[1]
    login = parts.netloc.rpartition("@")[0]
    async with server:
        yield urlunsplit(parts._replace(scheme=scheme, netloc=f"{login}@localhost:{port}"))
        await proxy.wait_until_closed()


async def test_postgresql_is_reached_as_its_own_tools_word_it(
    database_url: str, tmp_path: Path
) -> None:
    """A URL with `sslmode` and `sslrootcert` works for statements and for the check of limits."""
    certificate, context = a_certificate(tmp_path)
    async with behind_tls(database_url, context, "postgres", after_asking=True) as url:
        trusted = DatabaseUrl(f"{url}?sslmode=verify-full&sslrootcert={certificate}")
        engine = create_engine(
            trusted, application_name="tests", pool_size=1, statement_timeout_s=5
        )
        async with engine.connect() as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
        await engine.dispose()
        problem = await database_problem(
            DatabaseSettings(url=trusted, max_connections=300), ReplicaSettings()
        )
        assert problem is not None


async def test_a_certificate_of_postgresql_has_to_be_trusted(
    database_url: str, tmp_path: Path
) -> None:
    """With `verify-full` a certificate of somebody else's is an error that names no password."""
    (tmp_path / "theirs").mkdir()
    certificate, _ = a_certificate(tmp_path / "theirs")
    _, context = a_certificate(tmp_path)
    async with behind_tls(database_url, context, "postgresql", after_asking=True) as url:
        engine = create_engine(
            Secret(f"{url}?sslmode=verify-full&sslrootcert={certificate}"),
            application_name="tests", pool_size=1, statement_timeout_s=5,
        )  # fmt: skip
        with pytest.raises(ssl.SSLCertVerificationError) as refused:
            await warm(engine, 1)
        await engine.dispose()
    assert (urlsplit(database_url).password or "") not in str(refused.value)


async def test_rabbitmq_is_reached_by_amqps(amqp_url: str, tmp_path: Path) -> None:
    """An amqps URL is spoken over TLS, with a certificate that `cafile` vouches for."""
    certificate, context = a_certificate(tmp_path)
    async with behind_tls(amqp_url, context, "amqps") as url:
        trusted = Secret(f"{url}?cafile={certificate}")
        connection = await connect(trusted, connection_name="tests")
        async with connection, connection.channel() as channel:
            await declare_topology(channel)
        with pytest.raises(ConnectionError):
            await connect(Secret(url), connection_name="tests")
