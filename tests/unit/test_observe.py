"""What a run's observer does with a part that does not answer."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from local_stack.stack import Stack
from shared import broker
from tests.support.observe import Observer


class DyingChannel:
    """Ends a call as aiormq does when its channel dies, which a real one does when it likes."""

    is_closed = False

    def channel(self) -> "DyingChannel":
        """Be connection and channel in one."""
        return self

    async def __aenter__(self) -> "DyingChannel":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def declare_queue(self, name: str, *, passive: bool) -> None:
        """Be asked how many messages wait."""
        raise asyncio.CancelledError

    async def close(self) -> None:
        """Have nothing to close."""


async def test_a_channel_that_dies_leaves_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """An observer goes on when a call is cancelled that nobody has cancelled."""

    async def connect(*_: object, **__: object) -> Any:
        return DyingChannel()

    monkeypatch.setattr(broker, "connect", connect)
    nowhere = SimpleNamespace(
        port=lambda _: 1,
        urls=SimpleNamespace(
            amqp_url="amqp://127.0.0.1:1", database_url="postgresql://127.0.0.1:1"
        ),
    )
    async with Observer(cast(Stack, nowhere)) as observer:
        sample = await observer.look()
    assert sample.queued is None
    assert observer.samples == [sample]
