"""Visitors who come together: one lookup, one write, and no more of them than may wait."""

import asyncio

import structlog

from redirector.asgi_redirect import AsgiRedirect
from shared.link import Outcome
from tests.support.asgi import Answer, call
from tests.support.links import a_link
from tests.support.redirect_world import World

DEADLINE_S = 5


async def test_clicks_of_those_who_waited_together_are_one_write() -> None:
    """Visitors for whom PostgreSQL was asked at once are recorded at once, as cached ones are."""
    links = {("", f"code{n}"): a_link() for n in range(100)}
    world = World(links)
    world.is_cached = False
    async with world.door() as door:
        answers = await asyncio.gather(*(call(door, f"/code{n}") for n in range(100)))
    assert {answer.status for answer in answers} == {302}
    assert (world.writes, len(world.lines)) == (1, 100)


async def test_requests_of_one_turn_are_looked_up_together() -> None:
    """A hundred requests of one event-loop turn cost one lookup, and each gets its own answer."""
    links = {("", f"code{n}"): a_link(location=f"https://e.test/{n}") for n in range(100)}
    world = World(links)
    async with world.door() as door:
        answers = await asyncio.gather(*(call(door, f"/code{n}") for n in range(100)))
    assert world.lookups == 1
    assert [a.headers["location"] for a in answers] == [f"https://e.test/{n}" for n in range(100)]
    assert len(world.lines) == 100


async def test_one_request_that_cannot_be_recorded_leaves_the_others_alone() -> None:
    """A fault of our own in one request is one 500, and everybody else is redirected."""
    broken = a_link(location=None)
    world = World({("", "bad"): broken, ("", "good"): a_link()})
    async with world.door() as door:
        answers = await asyncio.gather(call(door, "/bad?q=1"), call(door, "/good"))
    assert [answer.status for answer in answers] == [500, 302]
    assert world.count(Outcome.FAILED) == 1


async def test_a_fault_is_logged_with_the_id_of_its_request() -> None:
    """Who has the id of an answer, a click or a line of nginx's log finds the traceback."""
    world = World({("", "bad"): a_link(location=None)})
    request_id = "0123456789abcdef" * 2
    with structlog.testing.capture_logs() as logs:
        async with world.door() as door:
            await call(door, "/bad?q=1", headers={"X-Request-Id": request_id})
    (entry,) = logs
    assert (entry["event"], entry["request_id"]) == ("redirect_failed", request_id)


async def test_more_visitors_than_may_wait_are_turned_away_at_once() -> None:
    """Who comes while too many wait gets a 503 and leaves no click; those who wait are served."""
    world = World({("", "abc"): a_link()})
    world.max_waiting = 2
    async with world.door() as door:
        first = await asyncio.wait_for(_all_at_once(door, 5), DEADLINE_S)
        later = await call(door, "/abc")
    assert [answer.status for answer in first] == [302, 302, 503, 503, 503]
    assert first[-1].headers["retry-after"] == "1"
    assert later.status == 302
    assert len(world.lines) == 3
    assert world.count(Outcome.OVERLOADED) == 3


async def test_a_visitor_who_needs_the_database_waits_like_the_others() -> None:
    """While visits wait for PostgreSQL they count, and once answered they do not."""
    world = World({("", "abc"): a_link()})
    world.max_waiting, world.is_cached = 1, False
    async with world.door() as door:
        for _ in range(3):
            both = await asyncio.wait_for(_all_at_once(door, 2), DEADLINE_S)
            assert [answer.status for answer in both] == [302, 503]


async def _all_at_once(door: AsgiRedirect, count: int) -> list[Answer]:
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(call(door, "/abc")) for _ in range(count)]
    return [each.result() for each in calls]
