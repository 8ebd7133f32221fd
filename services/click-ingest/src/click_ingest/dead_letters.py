"""Setting poison aside: what cannot be stored goes to `clicks.dead` with the reason.

A dead letter has the headers of a click message, and its body is the original line (or, where the
message as a whole is at fault, the original body): published to the clicks exchange again, it is
a message like any other. It keeps its reason header then, by which the ledger knows a replay.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractExchange

from shared import broker
from shared.click_event import CONTENT_TYPE

CONFIRM_TIMEOUT_S = 10.0
"""A broker that lacks memory or disk accepts nothing and says nothing."""

MAX_REASON_CHARACTERS = 300

Fault = Literal[
    "wrong_headers", "unknown_schema_version", "wrong_count", "undecodable", "no_partition",
    "refused",
]  # fmt: skip
"""Why, as a metric label: the message as a whole, one line, or what PostgreSQL said of one."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Poison and why. `source` and `sequences` place it in the ledger where they are known."""

    body: bytes
    headers: Mapping[str, Any]
    fault: Fault
    detail: str
    clicks: int
    source: uuid.UUID | None = None
    sequences: range = range(0)

    @property
    def reason(self) -> str:
        """The text of the reason header."""
        return f"{self.fault}: {self.detail}"[:MAX_REASON_CHARACTERS]


class DeadLetters:
    """Publishes dead letters, each confirmed by the broker before `publish` returns.

    Uses a connection of its own, since an alarm at the broker blocks a connection that publishes,
    and the consumer's acknowledgements with it; opened when first needed. A letter whose confirm
    was lost is published again by the caller, so a letter may be there twice.
    """

    __slots__ = ("_connect", "_connection", "_exchange", "_opening")

    def __init__(self, *, connect: Callable[[], Awaitable[AbstractConnection]]) -> None:
        self._connect = connect
        self._connection: AbstractConnection | None = None
        self._exchange: AbstractExchange | None = None
        self._opening = asyncio.Lock()

    async def publish(self, letter: DeadLetter) -> None:
        """Publish one letter.

        Raises:
            aio_pika.exceptions.AMQPError | OSError | TimeoutError: it may not be there.
        """
        message = aio_pika.Message(
            letter.body,
            headers={**letter.headers, broker.HEADER_REASON: letter.reason},
            content_type=CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        try:
            async with asyncio.timeout(CONFIRM_TIMEOUT_S):
                exchange = self._exchange or await self._open()
                await exchange.publish(message, routing_key="", mandatory=True)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection, self._exchange = self._connection, None, None
        if connection is not None:
            await connection.close()

    async def _open(self) -> AbstractExchange:
        async with self._opening:  # two flushes may need it at once, and one connection will do
            if self._exchange is not None:
                return self._exchange
            await self.close()
            self._connection = await self._connect()
            # Raises on a message that no queue takes: with the queue gone it would vanish unseen.
            channel = await self._connection.channel(
                publisher_confirms=True, on_return_raises=True
            )
            await broker.declare_topology(channel)
            self._exchange = await channel.get_exchange(broker.DEAD_EXCHANGE, ensure=False)
            return self._exchange
