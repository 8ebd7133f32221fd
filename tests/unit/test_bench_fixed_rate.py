"""The generator of fixed rates: on time, honest about waiting, exact about what came of it."""

import asyncio
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.bench.fixed_rate.answer import NO_ID, AnswerError, parse_answer
from tests.bench.fixed_rate.generator import GeneratorError, send_at_fixed_rate
from tests.bench.fixed_rate.outcome import Outcome
from tests.bench.fixed_rate.plan import Plan
from tests.bench.fixed_rate.records import Record, RecordWriter, count_records, read_records
from tests.bench.fixed_rate.visitors import DRAWN, ending, visitor_endings
from tests.bench.fixed_rate.zipf import draw_links, popular_link
from tests.support.stream_server import stream_server

ID = bytes(range(16))
HEAD = b"HTTP/1.1 302 Found\r\nX-Request-Id: " + ID.hex().encode()
ANSWER = HEAD + b"\r\nContent-Length: 2\r\n\r\nok"
DICE = Random(3)  # noqa: S311 - a repeatable choice, no secret


def a_plan(folder: Path, **members: Any) -> Plan:
    """Make a plan; what it leaves open does not matter to the test."""
    given = {"port": 1, "per_second": 100.0, "count": 10, "endings": [ending("test", {})]}
    return Plan(folder=str(folder), **{**given, **members})


async def send(plan: Plan) -> tuple[Outcome, dict[int, Record]]:
    """Send one request for each of as many targets, and return what came of them by number."""
    plan.write_requests((f"/{number}" for number in range(plan.count)), range(plan.count))
    outcome = await send_at_fixed_rate(plan)
    return outcome, {record.number: record for record in read_records(plan.records_file)}


def test_an_answer_is_status_and_request_id() -> None:
    """Names of headers are read whatever their case, and the body has to be there."""
    assert parse_answer(ANSWER) == (302, ID, False)
    assert parse_answer(ANSWER.replace(b"Content-Length", b"content-length")) == (302, ID, False)
    assert parse_answer(ANSWER[:-1]) is None
    assert parse_answer(HEAD) is None


def test_an_answer_can_be_the_last_one_and_have_no_id() -> None:
    """A server says when it will close, and not every answer is of our nginx."""
    data = b"HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    assert parse_answer(data) == (503, NO_ID, True)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="no length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", id="no number"),
        pytest.param(b"SSH-2.0\r\nContent-Length: 0\r\n\r\n", id="no status"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nX-Request-Id: abc\r\nContent-Length: 0\r\n\r\n",
            id="no id of ours",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(data: bytes) -> None:
    """Nothing is guessed."""
    with pytest.raises(AnswerError):
        parse_answer(data)


def test_requests_are_due_at_the_rate(tmp_path: Path) -> None:
    """Without a ramp the first is due at once and the others evenly after it."""
    plan = a_plan(tmp_path, per_second=50.0)
    assert [plan.due_s(number) for number in range(4)] == pytest.approx([0, 0.02, 0.04, 0.06])
    assert plan.steady_from == 0


def test_a_ramp_rises_to_the_rate(tmp_path: Path) -> None:
    """Half as many requests in the time of the ramp, and no gap where it ends."""
    plan = a_plan(tmp_path, per_second=100.0, ramp_s=2.0, count=1000)
    due = [plan.due_s(number) for number in range(plan.count)]
    assert plan.steady_from == 100
    assert due[plan.steady_from] == pytest.approx(2.0)
    assert due == sorted(due)
    gaps = [later - sooner for sooner, later in pairwise(due)]
    assert gaps[1:90] == sorted(gaps[1:90], reverse=True)
    assert gaps[98:] == pytest.approx([0.01] * len(gaps[98:]), rel=0.01)


def test_requests_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Targets by number, one number for each request."""
    plan = a_plan(tmp_path)
    plan.write_requests(["/a", "/b"], [1, 0, 1])
    targets, order = plan.read_requests()
    assert (targets, list(order)) == ([b"/a", b"/b"], [1, 0, 1])


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Whether they fill a chunk or not."""
    path = tmp_path / "records"
    assert count_records(path) == 0
    with RecordWriter(path) as records:
        for number in range(5000):
            records.add(number, 0.25, 302, ID)
    assert count_records(path) == 5000
    read = list(read_records(path))
    assert read[4999] == Record(4999, 0.25, 302, ID)
    assert [record.number for record in read] == list(range(5000))


def test_few_links_are_visited_often_and_all_can_be() -> None:
    """The share of the most popular link is that of Zipf's law with exponent 1."""
    seen = Counter(draw_links(DICE, 100, 100_000))
    assert seen.keys() == set(range(100))
    assert [link for link, _ in seen.most_common(2)] == [
        popular_link(0, 100),
        popular_link(1, 100),
    ]
    assert seen[popular_link(0, 100)] == pytest.approx(100_000 * 0.15, rel=0.05)


def test_visitors_differ_and_a_header_without_text_is_left_out() -> None:
    """As with browsers, of which most tell no referer."""
    endings = visitor_endings("s.test", DICE)
    assert len(endings) == DRAWN
    assert len(set(endings)) > 20
    assert {"Referer" in text for text in endings} == {True, False}
    assert all(text.startswith(" HTTP/1.1\r\nHost: s.test\r\n") for text in endings)
    assert ending("s.test", {}, "{}").endswith("\r\nContent-Length: 2\r\n\r\n{}")


async def test_each_request_is_sent_once_and_none_too_early(tmp_path: Path) -> None:
    """Targets, visitors and ids arrive unmixed, at the rate."""
    asked: list[tuple[int, float]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            number = int(head.split(b" ")[1].removeprefix(b"/"))
            asked.append((number, time.time()))
            request_id = b"%032x" % number
            writer.write(ANSWER.replace(ID.hex().encode(), request_id))

    async with stream_server(serve) as port:
        plan = a_plan(tmp_path, port=port, per_second=200.0, count=60, connections=4)
        outcome, records = await send(plan)
    assert (outcome.sent, outcome.answered, outcome.failed) == (60, 60, 0)
    assert sorted(number for number, _ in asked) == sorted(records) == list(range(60))
    for number, asked_at in asked:
        assert records[number].request_id == number.to_bytes(16, "big")
        # The wall clock is read twice, and may be set a little in between.
        assert asked_at >= outcome.began_at + plan.due_s(number) - 0.005
    assert outcome.wall_s >= plan.due_s(59)
    assert outcome.cpu_s > 0


async def test_who_waits_behind_a_stall_waited_from_when_it_was_due(tmp_path: Path) -> None:
    """A server that answers nobody until all are due cannot hide those who had no connection."""
    last_is_due = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await last_is_due.wait()
            writer.write(ANSWER)

    async def stall() -> None:
        while not plan.outcome_file.exists() and not last_is_due.is_set():
            # The file of records is made before the clock starts.
            if plan.records_file.exists():
                await asyncio.sleep(plan.due_s(plan.count) + 0.1)
                last_is_due.set()
            await asyncio.sleep(0.01)

    async with stream_server(serve) as port:
        plan = a_plan(tmp_path, port=port, count=30, connections=1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stall())
            outcome, records = await send(plan)
    assert (outcome.answered, outcome.failed) == (30, 0)
    assert outcome.waited > 0
    assert [record.status for record in records.values()] == [302] * 30
    ended = [plan.due_s(number) + records[number].latency_s for number in range(30)]
    # One after the other after the stall, so whoever was due first waited longest.
    assert ended == sorted(ended)
    assert records[0].latency_s > records[29].latency_s


async def test_a_kept_connection_that_is_closed_is_asked_again_elsewhere(tmp_path: Path) -> None:
    """A server may close a connection just when it is used: no failure, but counted."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await reader.readuntil(b"\r\n\r\n")  # and closes without a word

    async with stream_server(serve) as port:
        outcome, _ = await send(a_plan(tmp_path, port=port, count=6, connections=1))
    assert (outcome.answered, outcome.failed, outcome.asked_again) == (6, 0, 5)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        pytest.param(b"", "closed", id="nothing"),
        pytest.param(ANSWER[:-1], "closed", id="half an answer"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", "no Content-Length", id="no length"),
    ],
)
async def test_failures_are_told_by_kind(tmp_path: Path, said: bytes, kind: str) -> None:
    """Each has a record with the status 0."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()

    async with stream_server(serve) as port:
        outcome, records = await send(a_plan(tmp_path, port=port, count=3))
    assert outcome.failures == {kind: 3}
    assert {record.status for record in records.values()} == {0}


async def test_nobody_waits_for_ever(tmp_path: Path) -> None:
    """Neither for an answer nor for a connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with stream_server(serve) as port:
        plan = a_plan(tmp_path, port=port, count=5, connections=1, timeout_s=0.3)
        outcome, records = await send(plan)
    assert outcome.answered == 0
    assert outcome.failed == len(records) == 5
    assert set(outcome.failures) <= {"timeout", "no connection"}
    assert all(record.latency_s >= 0.3 for record in records.values())


async def test_a_generator_that_breaks_says_why(tmp_path: Path) -> None:
    """What its process has said is the error: here, that nobody has written the requests."""
    with pytest.raises(GeneratorError, match="FileNotFoundError"):
        await send_at_fixed_rate(a_plan(tmp_path))
