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
    task = asyncio.ensure_future(call)
    try:
        done, _ = await asyncio.wait([task], timeout=timeout_s)
        if not done:
            done, _ = await asyncio.wait([task], timeout=GRACE_S)
        if not done:
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()
