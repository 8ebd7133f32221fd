"""Each type of condition: of whom it holds and of whom it does not."""

from typing import Any

import pytest

from redirector.places import NOWHERE, Place
from redirector.request import Request
from redirector.rule_conditions import prepare
from redirector.visitor_facts import VisitorFacts
from shared.click_event import MAX_USER_AGENT_BYTES
from shared.redirect_rule import Condition
from tests.support.clock import FakeClock

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)
NOW = "1800000000.000"  # 2027-01-15T08:00:00Z


class At:
    """Everybody is at one place."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def find(self, address: bytes) -> Place:
        """Tell it."""
        return self._place


def facts(query: str = "", place: Place = NOWHERE, **headers: str) -> VisitorFacts:
    """Make a visitor, with headers (underscores for hyphens)."""
    scope: dict[str, Any] = {
        "method": "GET",
        "path": "/abc",
        "raw_path": b"/abc",
        "query_string": query.encode("latin-1"),
        "headers": [
            (name.replace("_", "-").encode(), value.encode("latin-1"))
            for name, value in {"x-request-start": NOW, **headers}.items()
        ],
    }
    return VisitorFacts(Request.from_scope(scope, FakeClock(5.0)), At(place))


def holds(kind: str, key: str | None, value: str | None, visitor: VisitorFacts) -> bool:
    """Tell whether a condition holds of the visitor."""
    return prepare(Condition(kind, key, value))(visitor)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("device", "ios", True),
        ("device", "mobile", True),
        ("device", "desktop", False),
        ("device", "macos", False),
        ("browser", "safari", True),
        ("browser", "chrome", False),
    ],
)
def test_device_and_browser(kind: str, value: str, expected: bool) -> None:
    """A device is a system and a size, a browser is one."""
    assert holds(kind, None, value, facts(user_agent=IPHONE)) is expected


def test_no_browser_is_no_condition() -> None:
    """A browser that is not known fulfils no condition."""
    assert not holds("browser", None, "", facts(user_agent="curl/8"))
    assert not holds("device", None, "", facts(user_agent="curl/8"))


def test_of_a_long_user_agent_the_recorded_part_counts() -> None:
    """A device is recognised in what click-ingest sees of the user agent, and not behind that."""
    within = "x" * (MAX_USER_AGENT_BYTES - len("Android")) + "Android"
    assert holds("device", None, "android", facts(user_agent=within))
    assert not holds("device", None, "android", facts(user_agent="x" + within))


@pytest.mark.parametrize(
    ("wanted", "header", "expected"),
    [
        ("en", "en", True),
        ("en", "en-US,en;q=0.5", True),
        ("en", "EN-us", True),
        ("en-US", "en-us", True),
        ("en_us", "en-US", True),
        ("en-US", "en", False),
        ("en-US", "en-GB,en-US;q=0.9", True),
        ("en-US", "en-GB,en-US;q=0.89", False),
        ("en", "de, en ; q=0.95", True),
        ("en", "de,en;q=0.8", False),
        ("en", "en;q=nan", False),
        ("en", "en;q=", False),
        ("en", "en;q=1", True),
        ("en", "*", False),
        ("en", "", False),
        ("en", ",,;q=1", False),
        ("e", "en", False),
        ("zh-Hant", "zh-Hant-TW", True),
        ("zh-TW", "zh-Hant-TW", True),
        ("zh-CN", "zh-Hant-TW", False),
        ("en", "de," * 100 + "en", False),
        ("en", "\xff,en", True),
    ],
)
def test_language(wanted: str, header: str, expected: bool) -> None:
    """It is among those liked best, and its region counts where one is asked for."""
    assert holds("language", None, wanted, facts(accept_language=header)) is expected


@pytest.mark.parametrize(
    ("kind", "value", "query", "expected"),
    [
        ("query-param", "1", "a=1", True),
        ("query-param", "1", "b=2&a=1", True),
        ("query-param", "1", "a=2&a=1", True),
        ("query-param", "1", "a=11", False),
        ("query-param", "x y", "a=x+y", True),
        ("query-param", "\u00e9", "%61=%C3%A9", True),
        ("query-param", "1", "A=1", False),
        ("query-param", "1", "", False),
        ("any-value-query-param", None, "a", True),
        ("any-value-query-param", None, "a=", True),
        ("any-value-query-param", None, "a=1", True),
        ("any-value-query-param", None, "ab=1", False),
        ("any-value-query-param", None, "", False),
        ("valueless-query-param", None, "a", True),
        ("valueless-query-param", None, "a=", True),
        ("valueless-query-param", None, "a=1", False),
        ("valueless-query-param", None, "a=1&a", True),
        ("valueless-query-param", None, "=", False),
        ("any-value-query-param", None, "a%00\xff=1&a=%zz", True),
    ],
)
def test_query_parameters(kind: str, value: str | None, query: str, expected: bool) -> None:
    """By name and value, by name alone, by name without a value; decoded as forms are."""
    assert holds(kind, "a", value, facts(query)) is expected


@pytest.mark.parametrize(
    ("pattern", "address", "expected"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.0/24", "203.0.113.7", True),
        ("203.0.*.*", "203.0.113.7", True),
        ("2001:db8::/32", "2001:db8::7", True),
        ("198.51.100.0/24", "203.0.113.7", False),
        ("0.0.0.0/0", "", False),
        ("0.0.0.0/0", "unknown", False),
    ],
)
def test_ip_address(pattern: str, address: str, expected: bool) -> None:
    """The full address counts, not the anonymised one; without an address nothing holds."""
    assert holds("ip-address", None, pattern, facts(x_real_ip=address)) is expected


@pytest.mark.parametrize(
    ("kind", "value", "place", "expected"),
    [
        ("geolocation-country-code", "BR", Place("BR"), True),
        ("geolocation-country-code", "br", Place("BR"), True),
        ("geolocation-country-code", "BR", Place("NL"), False),
        ("geolocation-country-code", "BR", NOWHERE, False),
        ("geolocation-city-name", "s\u00e3o paulo", Place("BR", "S\u00e3o Paulo"), True),
        ("geolocation-city-name", "Paulo", Place("BR", "S\u00e3o Paulo"), False),
        ("geolocation-city-name", "x", Place("BR"), False),
    ],
)
def test_geolocation(kind: str, value: str, place: Place, expected: bool) -> None:
    """Country and city are compared whatever their case; nowhere is no place."""
    assert holds(kind, None, value, facts(place=place)) is expected


@pytest.mark.parametrize(
    ("date", "is_before"),
    [
        ("2027-01-15T08:00:00+00:00", False),
        ("2027-01-15T08:00:01+00:00", True),
        ("2027-01-15T07:59:59+00:00", False),
        ("2027-01-15T10:00:00+02:00", False),
        ("2027-01-15T10:00:01+02:00", True),
    ],
)
def test_dates(date: str, is_before: bool) -> None:
    """Of a moment either the one or the other holds, whatever its offset."""
    assert holds("before-date", None, date, facts()) is is_before
    assert holds("after-date", None, date, facts()) is not is_before


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("phase-of-the-moon", "full"),
        ("ip-address", "nonsense"),
        ("before-date", "soon"),
        ("after-date", "2020-01-01"),
        ("ip-address", None),
        ("query-param", None),
    ],
)
def test_what_is_not_understood_never_holds(kind: str, value: str | None) -> None:
    """A type of a newer release, or a value that somebody wrote past the API, is no error."""
    assert not holds(kind, None, value, facts("a=1"))
