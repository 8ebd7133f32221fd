"""Deadlines of calls."""

import asyncio
import socket
import time

import pytest

from redirector.deadline import within


async def test_a_call_in_time_gives_its_value() -> None:
    """What the call returns or raises is passed on."""

    async def answer() -> int:
        return 7

    async def fail() -> int:
        raise ConnectionError

    assert await within(1, answer()) == 7
    with pytest.raises(ConnectionError):
        await within(1, fail())


async def test_a_call_that_is_late_is_cancelled() -> None:
    """After the deadline the call is cancelled, and the caller hears of it."""
    cancelled = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(TimeoutError):
        await within(0.001, hang())
    async with asyncio.timeout(5):
        await cancelled.wait()


async def test_an_event_loop_that_was_late_does_not_cost_the_answer() -> None:
    """An answer that waits in a socket while this process is busy beyond the deadline is taken."""

    async def ask() -> bytes:
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        writer.write(b"where?\n")
        # The answer is there, and nobody can read it until the deadline is over.
        theirs.sendall(b"here\n")
        asyncio.get_running_loop().call_soon(time.sleep, 0.05)
        answer = await reader.readline()
        writer.close()
        return answer

    ours, theirs = socket.socketpair()
    assert await within(0.02, ask()) == b"here\n"
    theirs.close()
