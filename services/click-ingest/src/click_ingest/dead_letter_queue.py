"""Dead letters for people: `python -m click_ingest.dead_letter_queue list`, or `replay`.

A replayed letter goes back to the clicks exchange as it is and leaves `clicks.dead` when the
broker has confirmed it, so it is stored exactly once or comes back with its reason.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aio_pika
import msgspec
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import AMQPError

from shared import broker
from shared.settings import AmqpSettings, Secret, SettingsError, load

SHOWN_BYTES = 300
CONFIRM_TIMEOUT_S = 10.0

Print = Callable[[str], None]


class DeadLetterSettings(msgspec.Struct, frozen=True):
    """What the command reads."""

    amqp: AmqpSettings


@asynccontextmanager
async def _opened(url: Secret) -> AsyncIterator[tuple[AbstractChannel, AbstractQueue]]:
    connection = await broker.connect(url, connection_name="dead letters")
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        await broker.declare_topology(channel)
        yield channel, await channel.get_queue(broker.DEAD_QUEUE)


async def list_letters(url: Secret, show: Print) -> int:
    """Show every letter and leave it where it is; return how many there are."""
    async with _opened(url) as (_, queue):
        letters = []
        while (letter := await queue.get(fail=False)) is not None:
            letters.append(letter)
            show(_describe(letter))
        for letter in letters:
            await letter.nack(requeue=True)
    return len(letters)


async def replay_letters(url: Secret, show: Print) -> int:
    """Send the letters that are there now back to be stored; return how many."""
    async with _opened(url) as (channel, queue):
        exchange = await channel.get_exchange(broker.CLICKS_EXCHANGE, ensure=False)
        # Only those: one that is poison still comes back, and would go round for ever.
        count = (await channel.declare_queue(broker.DEAD_QUEUE, passive=True)).declaration_result
        replayed = 0
        for _ in range(count.message_count or 0):
            letter = await queue.get(fail=False)
            if letter is None:
                break
            async with asyncio.timeout(CONFIRM_TIMEOUT_S):
                await exchange.publish(
                    aio_pika.Message(
                        letter.body,
                        headers=letter.headers,
                        content_type=letter.content_type,
                        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                    ),
                    broker.CLICKS_ROUTING_KEY,
                    mandatory=True,
                )
            await letter.ack()
            replayed += 1
            show(_describe(letter))
    return replayed


def _describe(letter: AbstractIncomingMessage) -> str:
    headers = letter.headers
    place = f"{headers.get(broker.HEADER_SOURCE)!s} #{headers.get(broker.HEADER_FIRST_SEQUENCE)!s}"
    body = letter.body[:SHOWN_BYTES].decode(errors="backslashreplace").rstrip("\n")
    return f"{headers.get(broker.HEADER_REASON)!s}\n  {place}\n  {body}"


def main() -> None:
    """Do what the only argument says with the broker that the environment names."""
    actions = {"list": list_letters, "replay": replay_letters}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        raise SystemExit("usage: python -m click_ingest.dead_letter_queue list|replay")
    try:
        settings = load(DeadLetterSettings, os.environ)  # noqa: TID251 - an entry point
        count = asyncio.run(actions[sys.argv[1]](settings.amqp.url, print))
    except (SettingsError, AMQPError, OSError, TimeoutError) as error:
        raise SystemExit(f"dead letters: {error}") from None
    done = "replayed" if sys.argv[1] == "replay" else "in clicks.dead"
    print(f"{count} {'letter' if count == 1 else 'letters'} {done}")  # noqa: T201 - its purpose


if __name__ == "__main__":
    main()
