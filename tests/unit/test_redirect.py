"""The redirect endpoint: what is answered and what is recorded."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from redirector import pages
from redirector.asgi_redirect import AsgiRedirect
from redirector.click import ClickMaker
from redirector.click_recorder import ClickRecorder
from redirector.forwarded_query import merge_query
from redirector.redirect import Redirect
from redirector.request import Request
from redirector.stored_links import ResolveError
from redirector.visit_charge import VisitCharge
from shared.background import background_tasks
from shared.click_event import ClickEvent, decode_line
from shared.link import Link, Outcome, unknown_link
from shared.metrics import RedirectorMetrics
from shared.settings import Secret
from tests.support.asgi import Answer, call
from tests.support.clock import FakeClock
from tests.support.links import a_link

DEADLINE_S = 5
NOW_MS = 1_800_000_000_000


class World:
    """Everything around the redirect, and the redirect itself behind its ASGI door."""

    def __init__(self, links: dict[tuple[str, str], Link], **changes: Any) -> None:
        self.links = links
        self.resolved: list[tuple[str, str]] = []
        self.lookups = 0
        self.visits_left = 0
        self.lines: list[bytes] = []
        self.writes = 0
        self.is_cached = True
        self.is_down = False
        self.is_counting = True
        self.max_waiting = 100
        self.registry = CollectorRegistry()
        self.metrics = RedirectorMetrics(self.registry)
        self._options: dict[str, Any] = {"track_orphans": True, **changes}

    async def redirect(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request as an ASGI application."""
        async with self.door() as door:
            await door(scope, receive, send)

    @asynccontextmanager
    async def door(self) -> AsyncIterator[AsgiRedirect]:
        """Open the redirect's ASGI door."""
        async with self.opened() as redirect:
            yield AsgiRedirect(redirect, clock=FakeClock(NOW_MS / 1000))

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Redirect]:
        """Open the redirect."""
        metrics = self.metrics
        maker = ClickMaker(
            default_domain="go.test",
            scheme="https",
            visitor_hash_key=Secret("k" * 32),
            anonymize_ip=True,
        )
        async with background_tasks() as tasks:
            yield Redirect(
                resolver=self,
                visit_charge=VisitCharge(
                    self, is_bot=lambda agent: "bot" in agent, metrics=metrics
                ),
                recorder=ClickRecorder(maker, self, **self._options),
                own_pages=pages.OWN,
                metrics=metrics,
                default_domain="go.test",
                status=302,
                max_waiting=self.max_waiting,
                clock=FakeClock(NOW_MS / 1000),
                tasks=tasks,
            )

    async def find_cached(self, keys: Sequence[tuple[str, str]]) -> Sequence[Link | None]:
        """Answer from the links given, if they are cached."""
        self.lookups += 1
        if not self.is_cached or self.is_down:
            return [None] * len(keys)
        self.resolved += keys
        return [self.links.get(key, unknown_link()) for key in keys]

    async def find_stored(self, key: tuple[str, str]) -> Link:
        """Answer from the links given."""
        self.resolved.append(key)
        if self.is_down:
            raise ResolveError
        return self.links.get(key, unknown_link())

    async def take(self, link_id: int) -> bool:
        """Take one of the visits left."""
        if not self.is_counting:
            raise OSError
        self.visits_left -= 1
        return self.visits_left >= 0

    async def has_left(self, link_id: int) -> bool:
        """Tell whether a visit is left."""
        return self.visits_left > 0

    def append_all(self, lines: Sequence[bytes]) -> None:
        """Keep the lines."""
        self.writes += 1
        self.lines += lines

    @property
    def clicks(self) -> list[ClickEvent]:
        """What was recorded."""
        return [decode_line(line) for line in self.lines]

    def count(self, outcome: Outcome) -> float | None:
        """Read the counter of an outcome."""
        return self.registry.get_sample_value("qck_redirects_total", {"outcome": outcome.value})


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


@pytest.mark.parametrize(
    ("link", "outcome"),
    [
        (a_link(valid_since_ms=NOW_MS + 1), Outcome.NOT_YET_VALID),
        (a_link(valid_until_ms=NOW_MS - 1), Outcome.EXPIRED),
        (a_link(has_visit_limit=True), Outcome.EXHAUSTED),
    ],
)
async def test_links_out_of_their_window_are_404(link: Link, outcome: Outcome) -> None:
    """Not yet valid, expired and exhausted look like unknown, and are counted apart."""
    world = World({("", "abc"): link})
    assert (await call(world.redirect, "/abc")).status == 404
    assert world.count(outcome) == 1
    assert world.clicks[0].type == "invalid_short_url"


async def test_a_link_within_its_window_redirects() -> None:
    """Both ends of the validity window are inclusive."""
    world = World({("", "abc"): a_link(valid_since_ms=NOW_MS, valid_until_ms=NOW_MS)})
    assert (await call(world.redirect, "/abc")).status == 302


async def test_each_get_takes_one_visit() -> None:
    """A limit of two is two redirects."""
    world = World({("", "abc"): a_link(has_visit_limit=True)})
    world.visits_left = 2
    statuses = [(await call(world.redirect, "/abc")).status for _ in range(3)]
    assert statuses == [302, 302, 404]


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"user-agent": "previewbot"}),
        ("GET", {"sec-purpose": "prefetch"}),
    ],
)
async def test_previews_take_no_visit(method: str, headers: dict[str, str]) -> None:
    """HEAD, bots and prefetches are redirected and leave the limit alone."""
    world = World({("", "abc"): a_link(has_visit_limit=True)})
    world.visits_left = 1
    assert (await call(world.redirect, "/abc", method=method, headers=headers)).status == 302
    assert world.visits_left == 1


async def test_nothing_to_ask_is_503_with_retry_after() -> None:
    """Without any store the visitor is asked to come again, and no click is recorded."""
    world = World({})
    world.is_down = True
    answer = await call(world.redirect, "/abc")
    assert (answer.status, answer.headers["retry-after"], world.lines) == (503, "1", [])


async def test_a_limited_link_needs_the_database() -> None:
    """A limited link is not given away when nobody can count."""
    world = World({("", "abc"): a_link(has_visit_limit=True)})
    world.is_counting = False
    assert (await call(world.redirect, "/abc")).status == 503


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
