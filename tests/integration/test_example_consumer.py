"""The example consumer of docs/clicks.md, with a user and rights as that page gives them."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity

from local_stack import binaries
from local_stack.home import PROJECT_ROOT
from local_stack.stack import Stack
from shared import broker
from shared.settings import Secret
from tests.support.clicks import a_click, a_message
from tests.support.ingest import publish

USER = QUEUE = "print-clicks"
PASSWORD = "a-password-of-these-tests"
RIGHTS = ("^print-clicks$", "^print-clicks$", "^(clicks|print-clicks)$")
EXAMPLE = PROJECT_ROOT / "docs/examples/print_clicks.py"


@pytest.fixture
async def own_url(stores: Stack, amqp_url: str) -> str:
    """URL of the broker for a consumer's own user; the exchange is there."""
    for words in (("add_user", USER, PASSWORD), ("set_permissions", USER, *RIGHTS)):
        await asyncio.to_thread(
            subprocess.run,
            [binaries.require("rabbitmqctl"), "--quiet", *words],
            env={"PATH": binaries.SEARCH_PATH, **stores.service_environment("rabbitmq")},
            capture_output=True,
            check=True,
        )
    async with await broker.connect(Secret(amqp_url), connection_name="tests declare") as on:
        await broker.declare_topology(await on.channel())
    return f"amqp://{USER}:{PASSWORD}@127.0.0.1:{urlsplit(amqp_url).port}/"


async def delete_queue(amqp_url: str) -> None:
    """Leave none of the example's clicks to others."""
    async with await broker.connect(Secret(amqp_url), connection_name="tests delete") as on:
        await (await on.channel()).queue_delete(QUEUE)


async def until_consumed(amqp_url: str) -> None:
    """Wait until somebody consumes from the example's queue."""
    async with await broker.connect(Secret(amqp_url), connection_name="tests wait") as connection:
        while True:
            channel = await connection.channel()
            with contextlib.suppress(ChannelNotFoundEntity):
                queue = await channel.declare_queue(QUEUE, passive=True)
                if queue.declaration_result.consumer_count:
                    return
            await asyncio.sleep(0.05)


async def test_the_example_prints_each_click_once(own_url: str, amqp_url: str) -> None:
    """With the rights of docs/clicks.md, which do not let it take clicks from the database."""
    assert all(right in (PROJECT_ROOT / "docs/clicks.md").read_text() for right in RIGHTS)
    first, second, third = a_click(), a_click(short_code="кот"), a_click(redirect_url=None)
    messages = [
        a_message([first, second]),
        a_message([second, first]),
        a_message(),
        a_message([third]),
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLE), env={"AMQP_URL": own_url}, stdout=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(30):
            await until_consumed(amqp_url)
            await publish(amqp_url, messages)
            assert process.stdout is not None
            printed = [(await process.stdout.readline()).decode().split() for _ in range(3)]
    finally:
        process.send_signal(signal.SIGINT)
        status = await process.wait()
        await delete_queue(amqp_url)
    assert status == 0
    assert [line[2].partition("/")[2] for line in printed] == [
        first.short_code, second.short_code, third.short_code,
    ]  # fmt: skip
    assert [line[3] for line in printed] == [first.redirect_url, second.redirect_url, "-"]
    async with await broker.connect(Secret(own_url), connection_name="tests own") as connection:
        channel = await connection.channel()
        ingest = await channel.get_queue(broker.INGEST_QUEUE, ensure=False)
        with pytest.raises(ChannelAccessRefused):
            await ingest.get(no_ack=True)
