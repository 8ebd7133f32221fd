"""What an acknowledgement covers, on a real RabbitMQ, with two batches in the works."""

import time
import uuid
from collections.abc import Sequence

import pytest
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from click_ingest.batcher import Batcher
from click_ingest.message import Delivery
from click_ingest.subscription import Subscription
from shared import broker
from shared.settings import Secret
from tests.support.clicks import a_click, a_message
from tests.support.ingest import publish, queued, take_all, until

BATCHES = 3
MESSAGES_EACH = 2


def a_subscription(amqp_url: str) -> Subscription:
    """Make a subscription whose batches are two messages each."""

    async def connect() -> AbstractConnection:
        return await broker.connect(Secret(amqp_url), connection_name="tests subscribe")

    batcher: Batcher[AbstractIncomingMessage] = Batcher(
        max_clicks=10**6, max_messages=MESSAGES_EACH, max_age_s=3600, clock=time.monotonic
    )
    return Subscription(connect=connect, batcher=batcher, prefetch=BATCHES * MESSAGES_EACH)


async def publish_batches(amqp_url: str) -> None:
    """Publish messages for all batches."""
    source = uuid.uuid4()
    await publish(
        amqp_url,
        [
            a_message([a_click()], source=source, first_sequence=number)
            for number in range(BATCHES * MESSAGES_EACH)
        ],
    )


def sequences(batch: Sequence[Delivery]) -> list[object]:
    """Return the numbers of a batch's messages."""
    return [message.headers[broker.HEADER_FIRST_SEQUENCE] for message in batch]


@pytest.mark.parametrize("acknowledged", range(BATCHES + 1))
async def test_only_acknowledged_batches_are_gone(amqp_url: str, acknowledged: int) -> None:
    """All batches were delivered; those that were not acknowledged come again, and only those."""
    await publish_batches(amqp_url)
    async with a_subscription(amqp_url) as subscription:
        batches = [await subscription.next_batch() for _ in range(BATCHES)]
        assert [sequences(batch) for batch in batches] == [[0, 1], [2, 3], [4, 5]]
        for _ in range(acknowledged):
            await subscription.acknowledge()
    left = (BATCHES - acknowledged) * MESSAGES_EACH

    async def are_back() -> bool:
        return await queued(amqp_url) == left

    await until(are_back)
    again = await take_all(amqp_url, broker.INGEST_QUEUE)
    assert sequences(again) == list(range(acknowledged * MESSAGES_EACH, BATCHES * MESSAGES_EACH))


async def test_what_is_delivered_is_not_acknowledged_by_that(amqp_url: str) -> None:
    """Messages that the worker holds, in a batch or not, are the broker's until it says so."""
    await publish_batches(amqp_url)
    async with a_subscription(amqp_url) as subscription:
        await subscription.next_batch()

        async def are_held() -> bool:
            return await queued(amqp_url) == 0

        await until(are_held)

    async def are_back() -> bool:
        return await queued(amqp_url) == BATCHES * MESSAGES_EACH

    await until(are_back)
