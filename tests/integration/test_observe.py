"""Looking at a stack from outside, while its broker goes away as in a run that hurts it."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from local_stack.stack import Stack
from shared import broker
from shared.settings import Secret
from tests.support.observe import Observer
from tests.support.tcp_proxy import TcpProxy, proxied

DEADLINE_S = 10


def looked_at(amqp_url: str) -> Stack:
    """Return what an observer needs of a stack, of which nothing but the broker answers."""
    urls = SimpleNamespace(amqp_url=amqp_url, database_url="postgresql://127.0.0.1:1/none")
    return cast(Stack, SimpleNamespace(urls=urls, port=lambda _: 1))


@pytest.mark.parametrize("hurt", [TcpProxy.freeze, TcpProxy.shut], ids=["frozen", "dead"])
async def test_nothing_of_a_lost_broker_outlives_the_observer(amqp_url: str, hurt: object) -> None:
    """Connections that were given up are closed, so no task is left for the loop to destroy."""
    connection = await broker.connect(Secret(amqp_url), connection_name="tests")
    async with connection, connection.channel() as channel:
        await broker.declare_topology(channel)
    async with proxied(amqp_url) as (proxy, url):
        before = asyncio.all_tasks()
        async with Observer(looked_at(url)) as observer:
            async with asyncio.timeout(DEADLINE_S):
                while (await observer.look()).queued is None:
                    pass  # the machine was slow
            assert callable(hurt)
            hurt(proxy)
            assert (await observer.look()).queued is None
            assert (await observer.look()).queued is None
        own = {task for task in asyncio.all_tasks() - before if "TcpProxy" not in repr(task)}
        if own:
            await asyncio.wait(own, timeout=DEADLINE_S)
        assert not [task for task in own if not task.done()]
