"""How watching the queues ends."""

import asyncio
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from click_ingest.queue_watch import QueueWatch
from shared.metrics import IngestMetrics


class AConnection:
    """Would be watched for ever."""

    is_closed = False

    def channel(self, **_: Any) -> "AConnection":
        """Be it."""
        return self

    async def __aenter__(self) -> "AConnection":
        raise ConnectionError

    async def __aexit__(self, *_: object) -> None:
        pass

    async def close(self) -> None:
        """Close it."""
        self.is_closed = True


async def test_watching_ends_in_the_moment_of_connecting() -> None:
    """The client forgets that it was cancelled, as `asyncio.wait_for` may before Python 3.12."""
    connection = AConnection()
    slept = asyncio.Event()

    async def connect() -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return connection

    async def sleep(_: float) -> None:
        slept.set()
        await asyncio.Event().wait()

    watch = QueueWatch(connect=connect, metrics=IngestMetrics(CollectorRegistry()), sleep=sleep)
    task = asyncio.create_task(watch.keep())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(10):
            await task
    await watch.close()
    assert connection.is_closed
