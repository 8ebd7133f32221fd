"""A deadline that a late event loop does not cut short."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

GRACE_S = 0.005


async def within(timeout_s: float, call: Coroutine[Any, Any, T]) -> T:
    """Return what `call` returns, if it does so in time; else cancel it.

    uvloop runs timers before it reads sockets. On an overloaded machine a plain timeout therefore
    gives up calls whose answer has long arrived, and a breaker would take a busy process for a
    dead Redis. So the time is over only after the sockets were read once more.

    Raises:
        TimeoutError: the time is over.
        Exception: what `call` raises.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as deadline:
        timer = loop.call_later(timeout_s, _give_grace, deadline, loop)
        try:
            return await call
        finally:
            timer.cancel()


def _give_grace(deadline: asyncio.Timeout, loop: asyncio.AbstractEventLoop) -> None:
    deadline.reschedule(loop.time() + GRACE_S)
