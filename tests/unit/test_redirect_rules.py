"""Links with rules: where they lead whom, and that the rest of a redirect stays what it was."""

from collections.abc import Sequence

import structlog

from redirector.places import Place
from shared.link import Link, Outcome
from shared.redirect_rule import Condition, RedirectRule, encode_rules
from tests.support.asgi import call
from tests.support.links import a_link
from tests.support.redirect_world import NOW_MS, World

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
APP, GERMAN, OTHERS = "https://app.test/", "https://e.test/de?own=1", "https://example.org/"
RULES = (
    RedirectRule(APP, (Condition("device", None, "ios"), Condition("query-param", "a", "1"))),
    RedirectRule(GERMAN, (Condition("language", None, "de"),)),
)


def a_link_with(rules: Sequence[RedirectRule] = RULES, **changes: object) -> Link:
    """Make a link with rules."""
    return a_link(rules=encode_rules(rules), location=OTHERS, **changes)


async def location(world: World, target: str = "/abc", **headers: str) -> str:
    """Visit the link and return where it leads."""
    answer = await call(world.redirect, target, headers={
        name.replace("_", "-"): value for name, value in headers.items()
    })  # fmt: skip
    assert answer.status == 302
    return answer.headers["location"]


async def test_the_first_rule_that_matches_decides() -> None:
    """All conditions of a rule must hold; without a match the long URL stands."""
    world = World({("", "abc"): a_link_with(forward_query=False)})
    assert await location(world, "/abc?a=1", user_agent=IPHONE, accept_language="de") == APP
    assert await location(world, "/abc?a=2", user_agent=IPHONE, accept_language="de") == GERMAN
    assert await location(world, "/abc?a=1", accept_language="fr") == OTHERS
    assert [click.redirect_url for click in world.clicks] == [APP, GERMAN, OTHERS]


async def test_a_rule_without_conditions_matches_everybody() -> None:
    """All of its conditions hold."""
    world = World({("", "abc"): a_link_with([RedirectRule(APP, ())])})
    assert await location(world) == APP


async def test_the_query_is_forwarded_to_the_chosen_url() -> None:
    """As it is to the long URL."""
    world = World({("", "abc"): a_link_with()})
    assert await location(world, "/abc?x=2", accept_language="de") == f"{GERMAN}&x=2"
    assert world.clicks[0].redirect_url == f"{GERMAN}&x=2"


async def test_rules_know_the_place_of_the_full_address() -> None:
    """And the click has its country, though its address is anonymised."""
    rule = RedirectRule(APP, (Condition("geolocation-country-code", None, "NL"),))
    world = World({("", "abc"): a_link_with([rule])})
    world.place = Place("NL", "Amsterdam")
    assert await location(world, x_real_ip="203.0.113.77") == APP
    assert (world.clicks[0].country, world.clicks[0].ip) == ("NL", "203.0.113.0")


async def test_limits_and_windows_come_before_rules() -> None:
    """A link with rules that is exhausted or expired is not found, and takes visits as others."""
    world = World(
        {
            ("", "abc"): a_link_with(has_visit_limit=True),
            ("", "old"): a_link_with(valid_until_ms=NOW_MS - 1),
        }
    )
    world.visits_left = 1
    assert await location(world, accept_language="de") == GERMAN
    assert (await call(world.redirect, "/abc")).status == 404
    assert (await call(world.redirect, "/old")).status == 404
    assert world.count(Outcome.EXHAUSTED) == world.count(Outcome.EXPIRED) == 1


async def test_a_link_that_is_not_cached_has_its_rules() -> None:
    """A miss is decided as a hit is."""
    world = World({("", "abc"): a_link_with()})
    world.is_cached = False
    assert await location(world, accept_language="de") == GERMAN


async def test_unreadable_rules_leave_the_long_url() -> None:
    """What nobody can read leads nobody astray, and the log has it once."""
    world = World({("", "abc"): a_link(rules='[{"longUrl": 7}]', location=OTHERS)})
    with structlog.testing.capture_logs() as logs:
        assert await location(world) == await location(world) == OTHERS
    assert [entry["event"] for entry in logs] == ["redirect_rules_unreadable"]
