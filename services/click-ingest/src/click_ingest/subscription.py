"""One subscription to the queue: a connection, a channel, a consumer, and what they delivered."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType

import structlog
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractIncomingMessage,
    AbstractQueue,
)

from click_ingest.batcher import Batcher
from click_ingest.message import Delivery
from shared.broker import INGEST_QUEUE, declare_topology

log = structlog.get_logger()


class SubscriptionLostError(Exception):
    """The connection, the channel or the consumer is gone; what is unacknowledged comes again."""


class Subscription:
    """Delivers batches until it is ended, or lost for good; `async with` is its life.

    The callback only appends: an exception in it would leave a message that the acknowledgement
    of later ones covers. Closing hands everything unacknowledged back to the queue.
    """

    __slots__ = (
        "_batcher", "_connect", "_connection", "_consumer_tag", "_is_ending",
        "_lost", "_prefetch", "_queue", "_unacknowledged", "_woken",
    )  # fmt: skip

    _connection: AbstractConnection
    _queue: AbstractQueue

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[AbstractConnection]],
        batcher: Batcher[AbstractIncomingMessage],
        prefetch: int,
    ) -> None:
        self._connect = connect
        self._batcher = batcher
        self._prefetch = prefetch
        self._consumer_tag: str | None = None
        self._unacknowledged: deque[AbstractIncomingMessage] = deque()
        self._lost: str | None = None
        self._is_ending = False
        self._woken = asyncio.Event()

    async def __aenter__(self) -> "Subscription":
        self._connection = await self._connect()
        try:
            channel = await self._connection.channel(publisher_confirms=False)
            await channel.set_qos(prefetch_count=self._prefetch)
            await declare_topology(channel)
            await self._watch(channel)
            self._queue = await channel.get_queue(INGEST_QUEUE, ensure=False)
            self._consumer_tag = await self._queue.consume(self._receive)
        except BaseException:
            await self._connection.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._connection.close()

    async def next_batch(self) -> Sequence[Delivery]:
        """Wait for the next batch; empty once the subscription was ended and all is delivered.

        Raises:
            SubscriptionLostError: what was delivered and not acknowledged will come again.
        """
        while True:
            if self._lost is not None:
                raise SubscriptionLostError(self._lost)
            if self._is_ending:
                await self._cancel()
                return self._deliver()
            due_in_s = self._batcher.due_in_s()
            if due_in_s == 0:
                return self._deliver()
            self._woken.clear()
            try:
                async with asyncio.timeout(due_in_s):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def acknowledge(self) -> None:
        """Acknowledge the first batch that has not been, and everything before it.

        Raises:
            aio_pika.exceptions.AMQPError: the messages will come again.
        """
        await self._unacknowledged.popleft().ack(multiple=True)

    def end(self) -> None:
        """Take nothing new; `next_batch` delivers what is held, due or not."""
        self._is_ending = True
        self._woken.set()

    def _deliver(self) -> Sequence[Delivery]:
        if batch := self._batcher.take():
            self._unacknowledged.append(batch[-1])
        return batch

    async def _receive(self, message: AbstractIncomingMessage) -> None:
        self._batcher.add(message, message.body.count(b"\n"))
        self._woken.set()

    async def _watch(self, channel: AbstractChannel) -> None:
        def lose(reason: object) -> None:
            self._lost = repr(reason)
            self._woken.set()

        channel.close_callbacks.add(lambda _, reason: lose(reason))
        underlay = await channel.get_underlay_channel()
        # The broker cancels a consumer whose queue is deleted; the channel stays open then.
        underlay.on_consumer_cancel_callbacks.add(lambda _: lose("cancelled by the broker"))

    async def _cancel(self) -> None:
        if self._consumer_tag is not None:
            tag, self._consumer_tag = self._consumer_tag, None
            await self._queue.cancel(tag)
