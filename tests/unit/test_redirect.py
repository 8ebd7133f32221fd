"""The redirect endpoint: what is answered and what is recorded."""

import asyncio
from datetime import UTC, datetime

import pytest

from redirector import pages
from redirector.forwarded_query import merge_query
from redirector.request import Request
from shared.click_event import ClickEvent
from shared.link import Outcome
from tests.support.asgi import call
from tests.support.clock import FakeClock
from tests.support.links import a_link
from tests.support.redirect_world import NOW_MS, World


async def test_a_known_code_is_redirected_and_recorded() -> None:
    """A GET answers 302 that nobody may cache, and leaves one click with what nginx sent."""
    world = World({("", "abc"): a_link(location="https://example.org/x")})
    answer = await call(
        world.redirect,
        "/abc",
        headers={
            "x-request-id": "0123456789abcdef0123456789abcdef",
            "x-request-start": "1800000000.123",
            "x-real-ip": "203.0.113.77",
            "user-agent": "Firefox",
            "referer": "https://news.test/",
            "accept-language": "de",
        },
    )
    assert answer.status == 302
    assert answer.headers["location"] == "https://example.org/x"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.body == b""
    (click,) = world.clicks
    assert click == ClickEvent(
        id="01a3185c-507b-7159-89ab-cdef01234567"[:15] + click.id[15:],
        clicked_at=datetime(2027, 1, 15, 8, 0, 0, 123000, UTC),
        domain="go.test",
        short_code="abc",
        link_id=7,
        type="link",
        visited_url="https://go.test/abc",
        redirect_url="https://example.org/x",
        referer="https://news.test/",
        user_agent="Firefox",
        accept_language="de",
        ip="203.0.113.0",
        visitor=click.visitor,
        request_id="0123456789abcdef0123456789abcdef",
    )
    assert world.count(Outcome.REDIRECT) == 1


class Witness:
    """A visitor who looks, at the moment of the answer, what is recorded by then."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.recorded: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def redirect(self, location: str) -> None:
        """Be redirected."""
        self.recorded.set_result(len(self._world.lines))

    def show(self, page: pages.Page) -> None:
        """Be shown a page."""
        self.recorded.set_result(len(self._world.lines))


@pytest.mark.parametrize("path", ["/abc", "/limited", "/unknown", "/a/b", "/", "/%20"])
async def test_the_click_is_recorded_before_the_answer(path: str) -> None:
    """Whoever has an answer has a click on disk, by every way to an answer."""
    world = World({("", "abc"): a_link(), ("", "limited"): a_link(has_visit_limit=True)})
    world.visits_left = 1
    scope = {
        "method": "GET", "path": path.replace("%20", " "), "raw_path": path.encode(),
        "query_string": b"", "headers": [],
    }  # fmt: skip
    async with world.opened() as redirect:
        witness = Witness(world)
        redirect.take(Request.from_scope(scope, FakeClock(NOW_MS / 1000)), witness)
        assert await witness.recorded == 1


async def test_a_retry_on_another_replica_makes_the_same_click() -> None:
    """Two replicas that get the same request id and start make one id."""
    headers = {"x-request-id": "ab" * 16, "x-request-start": "1800000000.123"}
    ids = set()
    for _ in range(2):
        world = World({("", "abc"): a_link()})
        await call(world.redirect, "/abc", headers=headers)
        ids.add(world.clicks[0].id)
    assert len(ids) == 1


async def test_head_redirects_and_records_nothing() -> None:
    """HEAD gets the Location and is no click."""
    world = World({("", "abc"): a_link()})
    answer = await call(world.redirect, "/abc", method="HEAD")
    assert (answer.status, world.lines) == (302, [])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_refused(method: str) -> None:
    """What is neither GET nor HEAD is 405 with Allow, without a lookup."""
    world = World({})
    answer = await call(world.redirect, "/abc", method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert world.resolved == []


@pytest.mark.parametrize(
    ("target", "kind", "code"),
    [
        ("/", "base_url", ""),
        ("/nope", "invalid_short_url", "nope"),
        ("/a/b", "regular_404", ""),
        ("/a%20b", "invalid_short_url", "a b"),
        ("//evil.test", "regular_404", ""),
        ("/x%00y", "invalid_short_url", "xy"),
    ],
)
async def test_what_leads_nowhere_is_an_orphan(target: str, kind: str, code: str) -> None:
    """Each kind of 404 is recorded as an orphan of its kind."""
    world = World({})
    answer = await call(world.redirect, target)
    assert answer.status == 404
    assert b"Not found" in answer.body
    (click,) = world.clicks
    assert (click.type, click.short_code, click.link_id) == (kind, code, None)


async def test_orphans_can_be_left_unrecorded() -> None:
    """With tracking of orphans off, a 404 leaves nothing."""
    world = World({}, track_orphans=False)
    await call(world.redirect, "/nope")
    assert world.lines == []


@pytest.mark.parametrize("target", ["/a%20b", "/a%0d%0ab", "/%ff", "/x%00", "/" + "a" * 200])
async def test_malformed_codes_cost_no_lookup(target: str) -> None:
    """What cannot be a short code is 404 without asking any store."""
    world = World({})
    answer = await call(world.redirect, target)
    assert (answer.status, world.resolved) == (404, [])


async def test_emoji_codes_work() -> None:
    """A percent-encoded emoji is a code like any other."""
    world = World({("", "😀"): a_link()})
    assert (await call(world.redirect, "/%F0%9F%98%80")).status == 302


async def test_nothing_to_ask_is_503_with_retry_after() -> None:
    """Without any store the visitor is asked to come again, and no click is recorded."""
    world = World({})
    world.is_down = True
    answer = await call(world.redirect, "/abc")
    assert (answer.status, answer.headers["retry-after"], world.lines) == (503, "1", [])


async def test_another_domain_is_asked_first_and_the_default_one_next() -> None:
    """A code is looked up on the request's domain, then on the default one."""
    world = World({("", "abc"): a_link()})
    answer = await call(world.redirect, "/abc", headers={"host": "Other.Test"})
    assert answer.status == 302
    assert world.resolved == [("other.test", "abc"), ("", "abc")]


async def test_the_query_string_is_forwarded_where_the_link_says_so() -> None:
    """`forward_query` decides whether the request's query reaches the long URL."""
    for forward, location in ((True, "https://example.org/?a=1"), (False, "https://example.org/")):
        world = World({("", "abc"): a_link(forward_query=forward)})
        answer = await call(world.redirect, "/abc?a=1")
        assert answer.headers["location"] == location


async def test_a_link_that_is_not_cached_is_read_from_the_database() -> None:
    """A miss is redirected and recorded like a hit."""
    world = World({("", "abc"): a_link()})
    world.is_cached = False
    assert (await call(world.redirect, "/abc")).status == 302
    assert len(world.lines) == 1


@pytest.mark.parametrize(
    ("location", "query", "merged"),
    [
        ("https://e.test/", b"a=1", "https://e.test/?a=1"),
        ("https://e.test/?a=1&b=2", b"a=9", "https://e.test/?b=2&a=9"),
        ("https://e.test/?a=1#frag", b"b=2", "https://e.test/?a=1&b=2#frag"),
        ("https://e.test/?a=1", b"a=2&a=3", "https://e.test/?a=2&a=3"),
        ("https://e.test/?x%20y=1", b"x+y=2", "https://e.test/?x+y=2"),
        ("https://e.test/", b"a=\xc3\xa9", "https://e.test/?a=%C3%A9"),
        ("https://e.test/", b'a="<b>', "https://e.test/?a=%22%3Cb%3E"),
        ("https://e.test/", b"flag", "https://e.test/?flag"),
        ("mailto:a@e.test", b"subject=x", "mailto:a@e.test?subject=x"),
    ],
)
def test_merging_queries(location: str, query: bytes, merged: str) -> None:
    """The request's parameters win over those of the long URL; the result is a valid header."""
    assert merge_query(location, query) == merged
    assert merge_query(location, query).isascii()
