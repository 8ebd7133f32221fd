"""Links that end: validity windows and visit limits."""

import asyncio
import re
from pathlib import Path

import pytest

from redirector.joined_visits import ANSWER_WITHIN_S
from shared.click_event import MAX_USER_AGENT_BYTES
from shared.link import Link, Outcome
from tests.support.asgi import call
from tests.support.links import a_blocked_link, a_link
from tests.support.redirect_world import NOW_MS, World

TEMPLATE = Path("nginx/templates/qck.conf.template").read_text()


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


async def test_a_blocked_destination_is_410() -> None:
    """Told apart from unknown, on the wire and in the metric; no scan, and an orphan."""
    world = World({("", "abc"): a_blocked_link()})
    headers = {"x-real-ip": "203.0.113.9"}
    answers = [await call(world.redirect, "/abc", headers=headers) for _ in range(9)]
    assert {answer.status for answer in answers} == {410}
    assert b"Switched off" in answers[0].body
    assert answers[0].headers["cache-control"] == "private, no-store"
    assert world.count(Outcome.BLOCKED) == 9
    assert (world.clicks[0].type, world.clicks[0].link_id) == ("invalid_short_url", None)


async def test_a_blocked_link_hides_that_of_the_default_domain() -> None:
    """The same code on the default domain is another link, and not what was asked for."""
    world = World({("d.test", "abc"): a_blocked_link(), ("", "abc"): a_link()})
    assert (await call(world.redirect, "/abc", headers={"host": "d.test"})).status == 410


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


async def test_what_a_long_user_agent_has_behind_the_recorded_part_makes_no_bot() -> None:
    """A visit is charged by what click-ingest, too, sees of the user agent."""
    world = World({("", "abc"): a_link(has_visit_limit=True)})
    world.visits_left = 1
    long = {"user-agent": "x" * MAX_USER_AGENT_BYTES + "previewbot"}
    assert (await call(world.redirect, "/abc", headers=long)).status == 302
    assert world.visits_left == 0


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


async def test_a_limited_link_needs_the_database() -> None:
    """A limited link is not given away when nobody can count."""
    world = World({("", "abc"): a_link(has_visit_limit=True)})
    world.is_counting = False
    assert (await call(world.redirect, "/abc")).status == 503


class MuteWorld(World):
    """PostgreSQL, which counts visits, says nothing."""

    given_up = False

    async def take(self, link_id: int) -> bool:
        """Wait for ever."""
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up = True
            raise
        return False


@pytest.mark.parametrize("is_cached", [True, False])
async def test_nobody_waits_for_a_visit_until_nginx_asks_another_replica(
    is_cached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finding a link and taking its visit have one deadline, at which both are given up."""
    monkeypatch.setattr("redirector.joined_visits.ANSWER_WITHIN_S", 0.05)
    world = MuteWorld({("", "abc"): a_link(has_visit_limit=True)})
    world.is_cached = is_cached
    async with asyncio.timeout(20):
        assert (await call(world.redirect, "/abc")).status == 503
    assert world.given_up
    assert world.count(Outcome.UNAVAILABLE) == 1
    assert world.registry.get_sample_value("qck_link_database_errors_total") == 1


def test_the_deadline_is_below_that_of_nginx() -> None:
    """Which gives a replica as long as its configuration says."""
    (limit,) = re.findall(r"proxy_read_timeout (\d+)s;\n\s*proxy_next_upstream ", TEMPLATE)
    assert int(limit) > ANSWER_WITHIN_S
