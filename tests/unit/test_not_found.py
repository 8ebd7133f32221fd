"""Where visitors are led when no link is at their address."""

from collections.abc import Mapping

import pytest
import structlog

from redirector.domain_table import INTERVAL_S, DomainTable
from redirector.not_found import Redirects, fill
from tests.support.asgi import call
from tests.support.clock import FakeClock
from tests.support.links import a_link
from tests.support.redirect_world import World


async def test_each_kind_has_its_redirect() -> None:
    """Base URL, unknown code and other paths lead where the domain says; HEAD leads there too."""
    world = World({})
    world.redirects[""] = {
        "base_url": "https://e.test/home",
        "invalid_short_url": "https://e.test/code",
        "regular_404": "https://e.test/other",
    }
    for target, place in (("/", "home"), ("/nope", "code"), ("/a%20b", "code"), ("/a/b", "other")):
        answer = await call(world.redirect, target)
        assert (answer.status, answer.headers["location"]) == (302, f"https://e.test/{place}")
        assert answer.headers["cache-control"] == "private, no-store"
        assert (await call(world.redirect, target, method="HEAD")).status == 302
    assert [(click.type, click.redirect_url) for click in world.clicks] == [
        ("base_url", "https://e.test/home"),
        ("invalid_short_url", "https://e.test/code"),
        ("invalid_short_url", "https://e.test/code"),
        ("regular_404", "https://e.test/other"),
    ]


async def test_the_domain_comes_before_the_default() -> None:
    """What the domain leaves open, and any other domain, has the default redirect."""
    world = World({})
    world.redirects["d.test"] = {"base_url": "https://d.example/"}
    world.default_redirects = {"base_url": "https://e.test/", "regular_404": "https://e.test/404"}

    async def location(target: str, host: str) -> str | None:
        return (await call(world.redirect, target, headers={"host": host})).headers.get("location")

    assert await location("/", "D.test") == "https://d.example/"
    assert await location("/", "other.test") == "https://e.test/"
    assert await location("/", "go.test") == "https://e.test/"
    assert await location("/a/b", "d.test") == "https://e.test/404"
    assert await location("/nope", "d.test") is None


async def test_redirects_of_the_default_domain_are_its_own() -> None:
    """Other domains do not inherit them."""
    world = World({})
    world.redirects[""] = {"base_url": "https://e.test/"}
    assert (await call(world.redirect, "/")).status == 302
    assert (await call(world.redirect, "/", headers={"host": "d.test"})).status == 404


async def test_a_location_that_nginx_would_not_take_is_none() -> None:
    """A path of 8 KiB that becomes five times as long in a query is not found."""
    world = World({})
    world.redirects[""] = {"regular_404": "https://e.test/?from={ORIGINAL_PATH}"}
    assert (await call(world.redirect, "/a/" + "%FF" * 2_000)).status == 302
    assert (await call(world.redirect, "/a/" + "%FF" * 8_000)).status == 404
    assert world.clicks[1].redirect_url is None


async def test_working_links_are_left_alone() -> None:
    """A link is a link, whatever is done where there is none."""
    world = World({("", "abc"): a_link()})
    world.default_redirects = {"invalid_short_url": "https://e.test/"}
    assert (await call(world.redirect, "/abc")).headers["location"] == "https://example.org/"


@pytest.mark.parametrize(
    ("target", "domain", "path", "location"),
    [
        ("https://e.test/", "d.test", b"/x", "https://e.test/"),
        ("https://e.test{ORIGINAL_PATH}", "d.test", b"/x", "https://e.test/x"),
        ("https://e.test/{ORIGINAL_PATH}", "d.test", b"/x", "https://e.test/x"),
        ("https://e.test/a/{ORIGINAL_PATH}/b", "d.test", b"/x/", "https://e.test/a/x/b"),
        ("https://{DOMAIN}.e.test/", "d.test", b"/x", "https://d.test.e.test/"),
        ("https://e.test/?d={DOMAIN}&p={ORIGINAL_PATH}", "d.test:80", b"/x/y",
         "https://e.test/?d=d.test%3A80&p=%2Fx%2Fy"),
        ("https://e.test/?p={ORIGINAL_PATH}#f", "d.test", b"/%C3%A9", "https://e.test/?p=%2F%25C3%25A9#f"),
        ("{ORIGINAL_PATH}", "d.test", b"//evil.test", "/evil.test"),
        ("{ORIGINAL_PATH}", "d.test", b"/\\evil.test", "/%5Cevil.test"),
        ("//e.test{ORIGINAL_PATH}", "d.test", b"//x", "//e.test/x"),
        ("https://e.test/\r\nX: \u00e9", "d.test", b"/", "https://e.test/%0D%0AX:%20%C3%A9"),
        ("https://e.test/{DOMAIN}", "<d>\"\u00e9", b"/", "https://e.test/%3Cd%3E%22%C3%A9"),
        ("https://e.test/{OTHER}", "d.test", b"/", "https://e.test/%7BOTHER%7D"),
    ],
)  # fmt: skip
def test_placeholders(target: str, domain: str, path: bytes, location: str) -> None:
    """The result is a valid header that leads where the operator meant, whoever asked for what."""
    assert fill(target, domain, path) == location
    assert location.isascii()


class Store:
    """Where domains are, unless it is away."""

    def __init__(self) -> None:
        self.redirects: Mapping[str, Redirects] = {"": {"base_url": "https://e.test/"}}
        self.is_away = False

    async def find_redirects(self) -> Mapping[str, Redirects]:
        """Return what there is."""
        if self.is_away:
            raise OSError("away")
        return self.redirects


async def test_the_table_follows_the_database() -> None:
    """While it is away what was known stays, which the log says once and the age tells."""
    store, clock = Store(), FakeClock(100.0)
    table = DomainTable(store, clock=clock)
    turns = 0

    async def sleep(seconds: float) -> None:
        nonlocal turns
        assert seconds < 0.5
        turns += 1
        clock.advance(1)
        store.is_away = turns in (2, 3)
        if turns == 5:
            raise TimeoutError
        if turns == 4:
            assert table.age_s() == 3
            assert table.redirects == {"": {"base_url": "https://e.test/"}}
            store.redirects = {}

    with structlog.testing.capture_logs() as logs, pytest.raises(TimeoutError):
        await table.refresh_forever(sleep)
    assert table.redirects == {}
    assert [entry["event"] for entry in logs] == ["domain_redirects_stale"]


def test_redirects_of_domains_are_read_again_within_a_second() -> None:
    """Twice in that time, so that one look may fail."""
    assert 2 * INTERVAL_S < 1.0
