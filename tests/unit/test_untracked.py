"""Visits that leave no click."""

import pytest

from redirector.forwarded_query import has_parameter, without_parameter
from redirector.settings import DisableSettings
from shared.settings import SettingsError, load
from tests.support.asgi import call
from tests.support.links import a_link
from tests.support.redirect_world import World

EVERYWHERE = ["/abc?nostat", "/abc?nostat=1", "/nope?a=1&nostat", "/?nostat", "/abc/track?nostat"]


@pytest.mark.parametrize("target", EVERYWHERE)
async def test_a_parameter_switches_recording_off(target: str) -> None:
    """Redirects, orphans and pixels are answered as ever."""
    world = World({("", "abc"): a_link()})
    with_it, without = await call(world.redirect, target), world.lines[:]
    assert without == []
    plain = await call(world.redirect, target.partition("?")[0])
    assert (with_it.status, len(world.lines)) == (plain.status, 1)


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/abc?nostat", "https://example.org/"),
        ("/abc?nostat=1&a=2", "https://example.org/?a=2"),
        ("/abc?nostatic=1", "https://example.org/?nostatic=1"),
        ("/abc?a=nostat", "https://example.org/?a=nostat"),
    ],
)
async def test_the_parameter_is_not_forwarded(target: str, location: str) -> None:
    """It is a word to us and not to the long URL; what only looks like it is forwarded."""
    world = World({("", "abc"): a_link()})
    assert (await call(world.redirect, target)).headers["location"] == location


async def test_an_untracked_visit_still_takes_a_visit() -> None:
    """Else everybody could go on visiting an exhausted link."""
    world = World({("", "abc"): a_link(has_visit_limit=True)})
    world.visits_left = 1
    await call(world.redirect, "/abc?nostat")
    assert (await call(world.redirect, "/abc?nostat")).status == 404


@pytest.mark.parametrize("target", ["/abc", "/nope", "/", "/abc/track"])
async def test_addresses_that_are_not_tracked(target: str) -> None:
    """By address, network or wildcard, v4 and v6; all others are."""
    world = World({("", "abc"): a_link()})
    world.untracked_from = ["203.0.113.0/24", "10.*.*.7", "2001:db8::1"]
    for address in ("203.0.113.77", "10.1.2.7", "2001:DB8:0::1", "::ffff:203.0.113.1"):
        await call(world.redirect, target, headers={"x-real-ip": address})
    assert world.lines == []
    for number, address in enumerate(("203.0.114.77", "10.1.2.8", "2001:db8::2", "", "x"), 1):
        await call(world.redirect, target, headers={"x-real-ip": address})
        assert len(world.lines) == number


@pytest.mark.parametrize(
    ("query", "has", "rest"),
    [
        (b"", False, b""),
        (b"nostat", True, b""),
        (b"a=1&nostat&b", True, b"a=1&b"),
        (b"nostat=&nostat=2", True, b""),
        (b"xnostat=1", False, b"xnostat=1"),
    ],
)
def test_parameters_of_a_query(query: bytes, has: bool, rest: bytes) -> None:
    """A parameter is found and taken out by its whole name."""
    assert has_parameter(query, b"nostat") is has
    assert without_parameter(query, b"nostat") == rest


def test_settings_name_what_is_no_address() -> None:
    """All that is wrong is said at the start, and nothing is tracked by mistake."""
    settings = load(DisableSettings, {"TRACKING_FROM": "10.0.0.0/8, 10.1.*.*"})
    assert len(settings.patterns) == 2
    with pytest.raises(SettingsError) as error:
        load(DisableSettings, {"TRACKING_FROM": "10.0.0.0/8,here,1.2.3", "TRACK_PARAM": "a&b"})
    told = [problem.split(" is no ")[0] for problem in error.value.problems]
    assert told[0].startswith("TRACK_PARAM: ")
    assert told[1:] == ["DISABLE_TRACKING_FROM: 'here'", "DISABLE_TRACKING_FROM: '1.2.3'"]
