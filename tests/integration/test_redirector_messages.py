"""What a redirector publishes, held to docs/asyncapi.json, which consumers build upon."""

import json
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
from aio_pika.abc import DeliveryMode

from local_stack.home import PROJECT_ROOT
from shared import broker
from shared.settings import Secret
from tests.support.databases_of_places import write_places
from tests.support.redirector import running_redirector
from tests.support.short_urls import create

DOCUMENT = json.loads((PROJECT_ROOT / "docs/asyncapi.json").read_text())
MESSAGE = DOCUMENT["components"]["messages"]["clicks"]
CLICK = DOCUMENT["components"]["schemas"]["ClickEvent"]
PATHS = ("/x?a=%20b", "/x/track", "/x/more", "/absent", "/", "/%D0%BA%D0%BE%D1%82", "/x")
KINDS = {"link", "base_url", "invalid_short_url", "regular_404"}


def check(instance: Any, schema: Any) -> None:
    """Refuse what the schema does not describe, members without a description included."""
    jsonschema.validate(
        instance,
        {**schema, "additionalProperties": False},
        format_checker=jsonschema.FormatChecker(["uuid"]),
    )


async def test_messages_are_as_described(
    client: httpx2.AsyncClient, database_url: str, redis_url: str, amqp_url: str, tmp_path: Path
) -> None:
    """Headers, content type and each line, of clicks of every type, and of the mark that ends."""
    await create(client, customSlug="x")
    write_places(tmp_path / "places.mmdb")
    async with running_redirector(
        database_url,
        redis_url,
        tmp_path / "spool",
        AMQP_URL=amqp_url,
        PUBLISH_DRAIN_MS="20000",
        GEOIP_DATABASE=str(tmp_path / "places.mmdb"),
    ) as redirector:
        for path in PATHS:
            headers = {b"Referer": "https://t.co/ü".encode(), b"X-Real-IP": b"203.0.113.77"}
            await redirector.visitor.get(path, headers=headers)
    lines: list[Any] = []
    connection = await broker.connect(Secret(amqp_url), connection_name="tests consume")
    async with connection:
        queue = await (await connection.channel()).get_queue(broker.INGEST_QUEUE)
        while (message := await queue.get(no_ack=True, fail=False)) is not None:
            # Quorum queues add headers of their own.
            sent = {k: v for k, v in message.headers.items() if not k.startswith("x-")}
            check(sent, MESSAGE["headers"])
            assert message.content_type == MESSAGE["contentType"]
            assert message.delivery_mode is DeliveryMode.PERSISTENT
            assert sent[broker.HEADER_COUNT] == message.body.count(b"\n")
            lines += map(json.loads, message.body.splitlines())
    assert (sent[broker.HEADER_COUNT], sent[broker.HEADER_CONFIRMED]) == (0, len(PATHS))
    for line in lines:
        check(line, CLICK)
    assert len(lines) == len(PATHS)
    assert {line["type"] for line in lines} == KINDS
    assert {line["country"] for line in lines} == {"NL"}
