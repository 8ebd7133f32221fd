"""Paths beside the short code: a slash behind it, its pixel, our own ones."""

import pytest
import structlog

from redirector import pages
from redirector.forwarded_path import Mode
from redirector.places import Place
from redirector.request import Request
from redirector.visit import Visitor
from tests.support.asgi import call
from tests.support.links import a_link
from tests.support.redirect_world import NOW_MS, World


async def test_a_slash_behind_the_code_is_ignored() -> None:
    """It is the same link, and the click has the address as it was asked."""
    world = World({("", "abc"): a_link()})
    answer = await call(world.redirect, "/abc/?a=1")
    assert (answer.status, answer.headers["location"]) == (302, "https://example.org/?a=1")
    (click,) = world.clicks
    assert (click.short_code, click.visited_url) == ("abc", "https://go.test/abc/?a=1")


@pytest.mark.parametrize(
    "target", ["/abc//", "/abc/x", "//", "//abc", "/abc/x/track", "/x//track"]
)
async def test_more_than_that_is_no_short_url(target: str) -> None:
    """It is some other path, without a lookup."""
    world = World({("", "abc"): a_link()})
    assert (await call(world.redirect, target)).status == 404
    assert (world.clicks[0].type, world.resolved) == ("regular_404", [])


@pytest.mark.parametrize(
    ("mode", "target", "location"),
    [
        ("append", "/abc/x/y", "https://e.test/a/x/y?b=1#c"),
        ("append", "/abc/x/?q=2", "https://e.test/a/x/?b=1&q=2#c"),
        ("append", "/abc/%C3%A9%2F", "https://e.test/a/%C3%A9%2F?b=1#c"),
        ("append", "/abc//evil.test", "https://e.test/a//evil.test?b=1#c"),
        ("append", "/abc/", "https://e.test/a?b=1#c"),
        ("ignore", "/abc/x/y", "https://e.test/a?b=1#c"),
        ("default", "/abc/x/y", None),
        ("append", "/nope/x", None),
        ("append", "//abc", None),
        ("append", "/abc%2Fx", None),
    ],
)
async def test_more_path_may_be_appended(mode: Mode, target: str, location: str | None) -> None:
    """Or ignored, as the operator has it; the path of the long URL keeps its query."""
    world = World({("", "abc"): a_link(location="https://e.test/a?b=1#c")})
    world.extra_path_mode = mode
    answer = await call(world.redirect, target)
    assert answer.headers.get("location") == location
    assert [click.redirect_url for click in world.clicks] == [location]


async def test_a_pixel_counts_a_visit_that_leads_nowhere() -> None:
    """The picture comes, nobody may keep it, and the click has no redirect URL."""
    world = World({("", "abc"): a_link()})
    answer = await call(world.redirect, "/abc/track")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.body == pages.PIXEL.body
    (click,) = world.clicks
    assert (click.type, click.link_id, click.redirect_url) == ("link", 7, None)
    assert world.registry.get_sample_value("qck_pixels_total", {"outcome": "known"}) == 1


@pytest.mark.parametrize(
    ("target", "outcome"),
    [
        ("/nope/track", "unknown"),
        ("/old/track", "unknown"),
        ("/a%20b/track", "unknown"),
        ("/track/track", "unknown"),
    ],
)
async def test_a_pixel_always_comes(target: str, outcome: str) -> None:
    """Of what is no working link the picture comes too, and leaves nothing."""
    world = World({("", "old"): a_link(valid_until_ms=NOW_MS - 1)})
    answer = await call(world.redirect, target)
    assert (answer.status, answer.body, world.lines) == (200, pages.PIXEL.body, [])
    assert world.registry.get_sample_value("qck_pixels_total", {"outcome": outcome}) == 1


async def test_a_pixel_comes_when_nobody_can_tell() -> None:
    """Without any store the visit is lost, and counted as that."""
    world = World({("", "abc"): a_link()})
    world.is_down = True
    assert (await call(world.redirect, "/abc/track")).status == 200
    assert world.lines == []
    assert world.registry.get_sample_value("qck_pixels_total", {"outcome": "unavailable"}) == 1


async def test_a_pixel_comes_when_its_visit_cannot_be_recorded() -> None:
    """A fault of ours loses the visit, which is counted as lost, and logged with its request."""

    class Faulty(World):
        def find(self, address: bytes) -> Place:
            raise ZeroDivisionError

    world = Faulty({("", "abc"): a_link()})
    with structlog.testing.capture_logs() as logs:
        answer = await call(world.redirect, "/abc/track", headers={"X-Request-Id": "f" * 32})
    assert answer.body == pages.PIXEL.body
    assert world.registry.get_sample_value("qck_pixels_total", {"outcome": "known"}) == 0
    assert world.registry.get_sample_value("qck_pixels_total", {"outcome": "unavailable"}) == 1
    assert [entry["request_id"] for entry in logs] == ["f" * 32]


async def test_a_pixel_of_an_uncached_or_default_domain_link() -> None:
    """It is found wherever a redirect would find it."""
    world = World({("", "abc"): a_link()})
    world.is_cached = False
    await call(world.redirect, "/abc/track", headers={"host": "other.test"})
    assert (world.clicks[0].domain, world.clicks[0].link_id) == ("other.test", 7)


async def test_a_pixel_takes_no_visit_of_a_limited_link() -> None:
    """Nobody was led anywhere."""
    world = World({("", "abc"): a_link(has_visit_limit=True)})
    world.visits_left = 1
    await call(world.redirect, "/abc/track")
    assert (world.visits_left, len(world.lines)) == (1, 1)


async def test_head_of_a_pixel_records_nothing() -> None:
    """As everywhere."""
    world = World({("", "abc"): a_link()})
    assert (await call(world.redirect, "/abc/track", method="HEAD")).status == 200
    assert world.lines == []


async def test_the_code_track_is_a_code() -> None:
    """Only behind another code it means the pixel."""
    world = World({("", "track"): a_link()})
    assert (await call(world.redirect, "/track")).status == 302


async def test_paths_of_our_own_are_no_codes() -> None:
    """They are answered without a lookup, and leave nothing."""

    def show(_: Request, visitor: Visitor) -> None:
        visitor.show(pages.FAVICON)

    world = World({})
    world.own_paths["/favicon.ico"] = show
    answer = await call(world.redirect, "/favicon.ico")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert (world.lines, world.resolved) == ([], [])
