"""Print every click once: a consumer with a queue of its own.

    AMQP_URL=amqp://print-clicks:PASSWORD@localhost:5672/ python print_clicks.py

Needs aio-pika. docs/clicks.md says what is in a click, docs/asyncapi.json says it to programs.
"""

import asyncio
import contextlib
import json
import os
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import aio_pika

EXCHANGE = "clicks"
QUEUE = "print-clicks"
SCHEMA_VERSION = 1

# Whoever is away for long loses the oldest clicks rather than fill the broker's disk, and whoever
# never comes back leaves no queue behind.
QUEUE_ARGUMENTS: dict[str, Any] = {
    "x-queue-type": "quorum",
    "x-max-length-bytes": 1024**3,
    "x-overflow": "drop-head",
    "x-expires": 7 * 24 * 3600 * 1000,
}
REMEMBERED_IDS = 100_000


class Clicks:
    """Takes messages apart, and leaves out clicks that came before: delivery is at least once."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()

    def new_in(self, body: bytes) -> Iterator[dict[str, Any]]:
        """Yield the clicks of a message that are new; a mark has none at all."""
        for line in body.split(b"\n"):
            if not line:
                continue
            click = json.loads(line)
            if click["id"] not in self._seen:
                yield click
                self._remember(click["id"])

    def _remember(self, click_id: str) -> None:
        self._seen[click_id] = None
        if len(self._seen) > REMEMBERED_IDS:
            self._seen.popitem(last=False)


async def main() -> None:
    """Print clicks until interrupted; a message is acknowledged when all of it is printed."""
    connection = await aio_pika.connect_robust(os.environ["AMQP_URL"])
    clicks = Clicks()
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=10)
        queue = await channel.declare_queue(QUEUE, durable=True, arguments=QUEUE_ARGUMENTS)
        await queue.bind(EXCHANGE, routing_key="#")
        async with queue.iterator() as messages:
            async for message in messages:
                async with message.process(requeue=True):
                    if message.headers["schema_version"] != SCHEMA_VERSION:
                        raise SystemExit("these clicks are newer than this program")
                    for click in clicks.new_in(message.body):
                        show(click)


def show(click: dict[str, Any]) -> None:
    """Print one click."""
    where = f"{click['domain']}/{click['short_code']}"
    print(click["clicked_at"], click["type"], where, click["redirect_url"] or "-", flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
