"""Once a second: how full the spools and the queue are, how much is stored and how late it is."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field

import aio_pika
import asyncpg
import httpx2
from aio_pika.abc import AbstractConnection
from prometheus_client.parser import text_string_to_metric_families

from local_stack.stack import Stack
from shared import broker
from shared.background import is_being_cancelled
from shared.settings import Secret

EACH_S = 1.0
ANSWER_WITHIN_S = 0.8
CLOSE_WITHIN_S = 0.2
"""A frozen broker does not take leave, and the next second wants its look."""
REDIRECTORS = ("redirector-1", "redirector-2")

_STORED = """
SELECT (SELECT coalesce(sum(stored), 0) FROM click_sources)::bigint AS stored,
    (SELECT extract(epoch FROM now() - clicked_at)::float FROM clicks ORDER BY id DESC LIMIT 1)
        AS lag_s
"""


@dataclass(slots=True)
class Sample:
    """What was seen at one moment; None is what nobody answered."""

    at: float
    spool_bytes: float | None = None
    queued: int | None = None
    stored: int | None = None
    lag_s: float | None = None


@dataclass(slots=True)
class ShedCounter:
    """Clicks shed by all processes that there were; a new process counts from 0 again."""

    _highest: dict[tuple[str, float], float] = field(default_factory=dict)

    def note(self, replica: str, process_started_at: float, count: float) -> None:
        """Take down the count of one process."""
        self._highest[replica, process_started_at] = count

    @property
    def total(self) -> int:
        """All of them together."""
        return round(sum(self._highest.values()))


# The last one is what asyncpg says when a time limit ends its own clean-up half-way.
_CANNOT_TELL = (
    OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)  # fmt: skip
_BROKER_CANNOT_TELL = (OSError, TimeoutError, RuntimeError, aio_pika.exceptions.AMQPError)


class Observer:
    """Watches one stack from outside; a part that does not answer leaves a gap."""

    __slots__ = ("_broker", "_http", "_stack", "samples", "shed")

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._http = httpx2.AsyncClient(timeout=ANSWER_WITHIN_S)
        self._broker: AbstractConnection | None = None
        self.samples: list[Sample] = []
        self.shed = ShedCounter()

    async def __aenter__(self) -> "Observer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
        await self._leave_broker()

    async def watch(self) -> None:
        """Go on for ever."""
        while True:
            started = time.monotonic()
            await self.look()
            await asyncio.sleep(max(0, started + EACH_S - time.monotonic()))

    async def look(self) -> Sample:
        """Ask everybody at once, and keep what they say."""
        sample = Sample(time.time())
        async with asyncio.TaskGroup() as tasks:
            spools = [tasks.create_task(self._spool_bytes(name)) for name in REDIRECTORS]
            queued = tasks.create_task(self._queued())
            stored = tasks.create_task(self._stored())
        known = [task.result() for task in spools]
        sample.spool_bytes = sum(size for size in known if size is not None)
        if known.count(None) == len(known):
            sample.spool_bytes = None
        sample.queued = queued.result()
        sample.stored, sample.lag_s = stored.result()
        self.samples.append(sample)
        return sample

    async def _spool_bytes(self, name: str) -> float | None:
        try:
            answer = await self._http.get(f"http://127.0.0.1:{self._stack.port(name)}/metrics")
        except (httpx2.HTTPError, OSError):
            return None
        shed, started_at, spooled = 0.0, 0.0, 0.0
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                if sample.name == "qck_clicks_shed_total":
                    shed += sample.value
                elif sample.name == "process_start_time_seconds":
                    started_at = sample.value
                elif sample.name == "qck_spool_bytes":
                    spooled = sample.value
        self.shed.note(name, started_at, shed)
        return spooled

    async def _queued(self) -> int | None:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                if self._broker is None or self._broker.is_closed:
                    url = Secret(self._stack.urls.amqp_url)
                    self._broker = await broker.connect(url, connection_name="observer")
                async with self._broker.channel() as channel:
                    queue = await channel.declare_queue(broker.INGEST_QUEUE, passive=True)
                    return queue.declaration_result.message_count
        except _BROKER_CANNOT_TELL:
            await self._leave_broker()
            return None
        except asyncio.CancelledError:
            if is_being_cancelled():  # else it was the channel that died
                raise
            await self._leave_broker()
            return None

    async def _leave_broker(self) -> None:
        """Close the connection: one that is merely dropped has tasks that outlive the run."""
        connection, self._broker = self._broker, None
        if connection is not None:
            with suppress(*_BROKER_CANNOT_TELL):
                async with asyncio.timeout(CLOSE_WITHIN_S):
                    await connection.close()

    async def _stored(self) -> tuple[int | None, float | None]:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                connection = await asyncpg.connect(self._stack.urls.database_url)
                try:
                    row = await connection.fetchrow(_STORED)
                finally:
                    connection.terminate()
        except _CANNOT_TELL:
            return None, None
        assert row is not None
        return row["stored"], row["lag_s"]
