"""From the spool to a real RabbitMQ."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from prometheus_client import CollectorRegistry

from redirector.adopted_spools import AdoptedSpools
from redirector.click_publisher import ClickPublisher, drain_within
from redirector.spool import ClickSpool
from redirector.spool_folder import SpoolFolder
from shared import broker
from shared.background import background_tasks
from shared.metrics import RedirectorMetrics
from shared.settings import Secret
from tests.support.tcp_proxy import proxied

DEADLINE_S = 20


class Publishing:
    """A spool and its publisher, with their counters."""

    def __init__(self, root: Path, url: str, *, max_clicks: int = 500) -> None:
        self.registry = CollectorRegistry()
        self.metrics = RedirectorMetrics(self.registry)
        self.root = root
        self.folder = SpoolFolder.plan(root)
        self.spool = ClickSpool(
            self.folder,
            segment_bytes=2000,
            max_bytes=10**7,
            metrics=self.metrics,
        )
        self.adopted = AdoptedSpools(root, metrics=self.metrics)
        self.publisher = ClickPublisher(
            url=Secret(url),
            name="tests",
            spool=self.spool,
            adopted=self.adopted,
            max_clicks=max_clicks,
            linger_s=0.005,
            timeout_s=2.0,
            metrics=self.metrics,
        )

    def append(self, first: int, count: int) -> None:
        """Append numbered lines."""
        for number in range(first, first + count):
            assert self.spool.append(b'{"n":%d}\n' % number)

    def count(self, name: str, **labels: str) -> float:
        """Read a counter."""
        return self.registry.get_sample_value(name, labels) or 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the connected publisher for the block, then drain it."""
        async with background_tasks() as tasks:
            running = tasks.create_task(self.publisher.run())
            await until(lambda: self.publisher.is_connected)
            yield
            await drain_within(self.publisher, running, DEADLINE_S)
        self.adopted.release()
        self.spool.close()


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():
            await asyncio.sleep(0.01)


@pytest.fixture
async def channel(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    """A channel of a consumer's."""
    connection = await broker.connect(Secret(amqp_url), connection_name="tests consume")
    async with connection:
        yield await connection.channel()


async def messages(channel: AbstractChannel) -> list[AbstractIncomingMessage]:
    """Take everything that is in the queue."""
    queue = await channel.get_queue(broker.INGEST_QUEUE)
    found = []
    while (message := await queue.get(no_ack=True, fail=False)) is not None:
        found.append(message)
    return found


def numbers(found: list[AbstractIncomingMessage]) -> list[bytes]:
    """Join the bodies and split them into lines."""
    return b"".join(message.body for message in found).splitlines()


async def test_lines_arrive_in_order_with_their_numbers(
    tmp_path: Path, amqp_url: str, channel: AbstractChannel
) -> None:
    """Messages hold whole lines in order; their headers number them without a gap."""
    publishing = Publishing(tmp_path, amqp_url, max_clicks=100)
    publishing.append(0, 950)
    source = publishing.spool.reader.read(1)
    publishing.spool.reader.rewind()
    async with publishing.running():
        pass
    found = await messages(channel)
    assert numbers(found) == [b'{"n":%d}' % number for number in range(950)]
    expected = 0
    for message in found:
        headers = message.headers
        assert headers[broker.HEADER_FIRST_SEQUENCE] == expected
        assert headers[broker.HEADER_COUNT] == message.body.count(b"\n") <= 100
        assert headers[broker.HEADER_SCHEMA_VERSION] == 1
        assert source is not None
        assert uuid.UUID(str(headers[broker.HEADER_SOURCE])) == uuid.UUID(source.source)
        assert message.delivery_mode == 2
        expected += message.body.count(b"\n")
    last = found[-1]
    assert (last.body, last.headers[broker.HEADER_CONFIRMED]) == (b"", 950)
    assert found[0].headers[broker.HEADER_APPENDED] == 950
    assert publishing.count("qck_clicks_published_total") == 950


async def test_nothing_is_left_after_a_drain(tmp_path: Path, amqp_url: str) -> None:
    """After a clean stop the spool's folder is gone, because the broker has everything."""
    publishing = Publishing(tmp_path, amqp_url)
    publishing.append(0, 30)
    async with publishing.running():
        publishing.append(30, 30)
    assert list(tmp_path.iterdir()) == []


async def test_clicks_of_a_dead_process_are_published(
    tmp_path: Path, amqp_url: str, channel: AbstractChannel
) -> None:
    """A running publisher takes over what a killed process left, under its own source."""
    dead = Publishing(tmp_path, amqp_url)
    dead.append(0, 40)
    source = next(tmp_path.iterdir()).name
    dead.folder.close()
    alive = Publishing(tmp_path, amqp_url)
    async with alive.running():
        await until(lambda: alive.count("qck_clicks_published_total") == 40)
        await until(lambda: not (tmp_path / source).exists())
    found = await messages(channel)
    assert len(numbers(found)) == 40
    assert {message.headers[broker.HEADER_SOURCE] for message in found} == {source}


async def test_a_process_may_die_at_any_time(tmp_path: Path, amqp_url: str) -> None:
    """Who dies after a publisher has looked for the dead is found when it looks again."""
    alive = Publishing(tmp_path, amqp_url)
    async with alive.running():
        alive.append(0, 1)
        await until(lambda: alive.count("qck_clicks_published_total") == 1)
        dead = Publishing(tmp_path, amqp_url)
        dead.append(0, 40)
        dead.folder.close()
        await until(lambda: alive.count("qck_clicks_published_total") == 41)
        await until(lambda: len(list(tmp_path.iterdir())) == 1)


async def test_an_unroutable_message_is_kept_and_sent_again(
    tmp_path: Path, amqp_url: str, channel: AbstractChannel
) -> None:
    """A click is not confirmed while no queue takes it, and arrives once one does."""
    publishing = Publishing(tmp_path, amqp_url)
    async with publishing.running():
        await channel.queue_delete(broker.INGEST_QUEUE)
        publishing.append(0, 10)
        await until(lambda: publishing.count("qck_click_messages_total", outcome="returned") > 0)
        assert publishing.count("qck_clicks_published_total") == 0
        # Reconnecting declares the queue again.
        await until(lambda: publishing.count("qck_clicks_published_total") == 10)
        assert publishing.count("qck_click_publish_retries_total") > 0
    assert numbers(await messages(channel)) == [b'{"n":%d}' % number for number in range(10)]


async def test_without_a_broker_clicks_wait(tmp_path: Path) -> None:
    """While nothing answers, appending goes on and nothing is lost or raised."""
    publishing = Publishing(tmp_path, "amqp://qck:x@127.0.0.1:1/")
    async with background_tasks() as tasks:
        running = tasks.create_task(publishing.publisher.run())
        publishing.append(0, 10)
        await drain_within(publishing.publisher, running, 0.3)
    publishing.spool.close()
    assert publishing.spool.backlog_bytes == sum(len(b'{"n":%d}\n' % n) for n in range(10))
    assert len(list(tmp_path.glob("*/*.clicks"))) == 1


@pytest.mark.parametrize("fault", ["shut", "freeze"])
async def test_a_lost_broker_is_found_again(
    tmp_path: Path, amqp_url: str, channel: AbstractChannel, fault: str
) -> None:
    """A connection that is cut or hangs while confirming costs nothing but repeats."""
    async with proxied(amqp_url) as (proxy, url):
        publishing = Publishing(tmp_path, url, max_clicks=5)
        async with publishing.running():
            for first in range(0, 40, 20):
                publishing.append(first, 20)
                await asyncio.sleep(0.01)
                getattr(proxy, fault)()
                await until(lambda: not publishing.publisher.is_connected)
                proxy.mend()
                await until(lambda: publishing.publisher.is_connected)
            await until(lambda: publishing.spool.backlog_bytes == 0)
    found = numbers(await messages(channel))
    assert set(found) == {b'{"n":%d}' % number for number in range(40)}
