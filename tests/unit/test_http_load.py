"""The load client: late servers show, closed connections are no failure, every answer is whole."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.http_load import Answer, HttpLoad, send_on_time
from tests.support.stream_server import Serve, stream_server

ANSWER = b"HTTP/1.1 302 Found\r\nX-Request-Id: abc\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def a_server(serve: Serve, *, timeout_s: float = 30) -> AsyncIterator[HttpLoad]:
    """Run a server for the block; give a client of it."""
    async with stream_server(serve) as port:
        load = HttpLoad("127.0.0.1", port, headers=[("Host", "test")], timeout_s=timeout_s)
        try:
            yield load
        finally:
            load.close()


async def get(load: HttpLoad) -> Answer:
    """Ask for something that is due at this moment."""
    return await load.get("/code", due_at=time.time(), due=time.perf_counter())


async def answer_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request."""
    while True:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)


async def test_an_answer_is_status_and_request_id() -> None:
    """What the verdict needs is taken out of the answer."""
    async with a_server(answer_for_ever) as load:
        answer = await get(load)
    assert (answer.path, answer.status, answer.request_id) == ("/code", 302, "abc")


async def test_half_an_answer_is_none() -> None:
    """A head whose body does not come is no answer, and says why."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER[:-1])

    async with a_server(serve) as load:
        answer = await get(load)
    assert answer.status == 0
    assert "closed" in answer.problem


async def test_silence_ends_at_the_deadline() -> None:
    """A server that takes the request and says nothing is given up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with a_server(serve, timeout_s=0.3) as load:
        answer = await get(load)
    assert answer.status == 0
    assert "Timeout" in answer.problem


async def test_a_kept_connection_that_was_closed_is_asked_again_elsewhere() -> None:
    """A server may close an idle connection just when it is used: that is no failure."""
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await reader.readuntil(b"\r\n\r\n")  # and closes without a word

    async with a_server(serve) as load:
        answers = [await get(load) for _ in range(2)]
        assert [answer.status for answer in answers] == [302, 302]
        assert (asked, load.asked_again) == (2, 1)


async def test_a_new_connection_that_is_closed_is_a_failure() -> None:
    """Nobody asks again whom the server has turned away at the door."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with a_server(serve) as load:
        assert (await get(load)).status == 0
        assert load.asked_again == 0


async def test_requests_leave_on_time_and_latency_counts_from_then() -> None:
    """A slow answer delays no other request."""
    answers: list[Answer] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.1)
        writer.write(ANSWER)
        await reader.read()

    async with a_server(serve) as load:
        await send_on_time(
            load, ["/a"] * 10, per_second=100, is_over=asyncio.Event(), on_answer=answers.append
        )
    assert [answer.status for answer in answers] == [302] * 10
    due = sorted(answer.due_at for answer in answers)
    assert abs(due[-1] - due[0] - 0.09) < 0.001
    assert all(answer.latency_ms >= 99 for answer in answers)
