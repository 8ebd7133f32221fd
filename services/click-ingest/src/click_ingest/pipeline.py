"""Several batches in the works at once, each acknowledged in its turn."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from click_ingest.message import Delivery

Flush = Callable[[Sequence[Delivery]], Awaitable[None]]


class Batches(Protocol):
    """Batches as they are delivered."""

    async def next_batch(self) -> Sequence[Delivery]:
        """Wait for a batch; empty once there will be none."""

    async def acknowledge(self) -> None:
        """Acknowledge the first batch that has not been, and everything before it."""


async def flush_all(batches: Batches, flush: Flush, *, max_in_flight: int) -> None:
    """Flush every batch, `max_in_flight` at once, and return when the last is acknowledged.

    An acknowledgement covers what was delivered before, so a batch has to wait for its turn
    until those before it are flushed. The first failure, in the order of the batches, breaks off
    what is behind it; of that nothing is acknowledged, flushed or not, and it comes again.

    Raises:
        BaseException: the failure.
    """
    in_flight: list[asyncio.Future[None]] = []
    # One at most; a list, so that it is waited for and broken off in the same way as the others.
    coming: list[asyncio.Future[Sequence[Delivery]]] = []
    is_ended = False
    try:
        while in_flight or not is_ended:
            # Asked for when there is room, and not before: what waits grows into one batch.
            if not (is_ended or coming) and len(in_flight) < max_in_flight:
                coming.append(asyncio.ensure_future(batches.next_batch()))
            waiting: list[asyncio.Future[Any]] = [*in_flight[:1], *coming]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if in_flight and in_flight[0].done():
                in_flight.pop(0).result()
                await batches.acknowledge()
            elif batch := coming.pop().result():
                in_flight.append(asyncio.ensure_future(flush(batch)))
            else:
                is_ended = True
    finally:
        await _break_off([*in_flight, *coming])


async def _break_off(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at, or asyncio would complain that nobody did
