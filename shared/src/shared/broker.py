"""RabbitMQ: the names of everything, the message headers, and how to connect.

Only what cannot be a policy is declared here (durable, quorum). Limits, dead-lettering and
overflow are policies in deploy/rabbitmq, because redeclaring a queue with other arguments fails.
"""

from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange

from shared.settings import Secret

CLICKS_EXCHANGE = "clicks"
INGEST_QUEUE = "clicks.ingest"
DEAD_EXCHANGE = "clicks.dead"
DEAD_QUEUE = "clicks.dead"
CLICKS_ROUTING_KEY = "clicks"

HEADER_SCHEMA_VERSION = "schema_version"
HEADER_SOURCE = "source"
"""UUID of the spool that the message's clicks come from."""
HEADER_FIRST_SEQUENCE = "first_sequence"
"""Number of the message's first click within its source; the rest follow without a gap."""
HEADER_COUNT = "count"
HEADER_APPENDED = "appended"
"""How many clicks the source had when the message was sent."""
HEADER_CONFIRMED = "confirmed"
"""How many of them the broker had confirmed by then: all below this number are on its disk."""
HEADER_REASON = "reason"
"""On dead letters: why."""

CONNECT_TIMEOUT_S = 5.0
HEARTBEAT_S = 10


async def connect(url: Secret, *, connection_name: str) -> AbstractConnection:
    """Open a plain connection, which stays closed once lost: its owner opens the next.

    Publishing and consuming need separate connections: an alarm blocks whatever publishes.

    Raises:
        aio_pika.exceptions.AMQPError | OSError | TimeoutError: the broker does not answer.
    """
    return await aio_pika.connect(
        url.reveal(),
        timeout=CONNECT_TIMEOUT_S,
        heartbeat=HEARTBEAT_S,
        client_properties={"connection_name": connection_name},
    )


async def declare_topology(channel: AbstractChannel) -> AbstractExchange:
    """Declare exchanges, queues and bindings, all durable; return the clicks exchange."""
    quorum: dict[str, Any] = {"x-queue-type": "quorum"}
    dead_exchange = await channel.declare_exchange(
        DEAD_EXCHANGE, aio_pika.ExchangeType.FANOUT, durable=True
    )
    dead_queue = await channel.declare_queue(DEAD_QUEUE, durable=True, arguments=quorum)
    await dead_queue.bind(dead_exchange)
    clicks_exchange = await channel.declare_exchange(
        CLICKS_EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True
    )
    ingest_queue = await channel.declare_queue(INGEST_QUEUE, durable=True, arguments=quorum)
    await ingest_queue.bind(clicks_exchange, routing_key="#")
    return clicks_exchange
