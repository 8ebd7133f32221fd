"""Bodies with redirect rules: what is accepted and how it is kept, and why others are refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.redirect_rule import Condition, RedirectRule, decode_rules, encode_rules
from shortener.condition_types import ConditionRefusedError, read_condition
from shortener.problems import Problem
from shortener.redirect_rules_body import MAX_CONDITIONS, MAX_RULES, RulesReader
from shortener.request_fields import Fields

READER = RulesReader(default_domain="s.test", url_schemes=("http", "https"))
URL = "https://example.org/"
IOS = {"type": "device", "matchKey": None, "matchValue": "ios"}


def read(body: dict[str, Any]) -> tuple[RedirectRule, ...]:
    """Read a body."""
    fields = Fields(body)
    found = READER.read(body, fields)
    fields.raise_if_refused()
    return tuple(found.rules)


def reason(rules: Any) -> str:
    """Read a body that must be refused, and return why."""
    with pytest.raises(Problem) as caught:
        read(rules if isinstance(rules, dict) else {"redirectRules": rules})
    assert caught.value.members["invalidElements"] == ["redirectRules"]
    reasons = caught.value.members["reasons"]
    assert isinstance(reasons, dict)
    return str(reasons["redirectRules"])


def a_rule(*conditions: Any, url: Any = URL) -> dict[str, Any]:
    """Make a rule."""
    return {"longUrl": url, "conditions": list(conditions)}


def test_rules_are_read_in_their_order() -> None:
    """URLs are normalised as long URLs are; a priority that is given says nothing."""
    given_rules = [{**a_rule(IOS, url=" HTTPS://E.test "), "priority": 9}, a_rule(IOS)]
    assert read({"redirectRules": given_rules}) == (
        RedirectRule("https://e.test/", (Condition("device", None, "ios"),)),
        RedirectRule(URL, (Condition("device", None, "ios"),)),
    )
    assert read({"redirectRules": []}) == ()


@pytest.mark.parametrize(
    ("condition", "stored"),
    [
        (("device", None, "chromeos"), ("device", None, "chromeos")),
        (("browser", None, "android_browser"), ("browser", None, "android_browser")),
        (("language", None, "en"), ("language", None, "en")),
        (("language", None, "en_us"), ("language", None, "en_us")),
        (("language", None, "zh-Hant-TW"), ("language", None, "zh-Hant-TW")),
        (("query-param", " a ", "1"), ("query-param", "a", "1")),
        (("query-param", "a", 1), ("query-param", "a", "1")),
        (("any-value-query-param", "a", "x"), ("any-value-query-param", "a", None)),
        (("valueless-query-param", "a", None), ("valueless-query-param", "a", None)),
        (("ip-address", None, "203.0.113.7"), ("ip-address", None, "203.0.113.7")),
        (("ip-address", "x", "203.0.113.0/24"), ("ip-address", None, "203.0.113.0/24")),
        (("ip-address", None, "11.22.*.*"), ("ip-address", None, "11.22.*.*")),
        (("ip-address", None, "2001:db8::/32"), ("ip-address", None, "2001:db8::/32")),
        (("geolocation-country-code", None, "nl"), ("geolocation-country-code", None, "NL")),
        (("geolocation-city-name", None, "S\u00e3o Paulo"),
         ("geolocation-city-name", None, "S\u00e3o Paulo")),
        (("before-date", None, "2026-01-31"), ("before-date", None, "2026-01-31T00:00:00+00:00")),
        (("after-date", None, "2026-01-31T12:00:00+02:00"),
         ("after-date", None, "2026-01-31T10:00:00+00:00")),
    ],
)  # fmt: skip
def test_conditions_of_each_type(
    condition: tuple[str, Any, Any], stored: tuple[str, str | None, str | None]
) -> None:
    """What a type has no use for is left out; dates and countries are kept in one form."""
    kind, key, value = condition
    read_one = read_condition({"type": kind, "matchKey": key, "matchValue": value})
    assert read_one == Condition(*stored)


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ((None, None, "x"), "type must be one of device, browser"),
        (("moon", None, "x"), "type must be one of device, browser"),
        (([], None, "x"), "type must be one of"),
        (("device", None, "phone"), "matchValue must be one of android, ios"),
        (("device", None, "IOS"), "matchValue must be one of android, ios"),
        (("device", None, None), "matchValue is required"),
        (("browser", None, "netscape"), "matchValue must be one of chrome"),
        (("language", None, "*"), "must be a language"),
        (("language", None, "english"), "must be a language"),
        (("language", None, "en us"), "must be a language"),
        (("query-param", None, "1"), "matchKey is required"),
        (("query-param", "", "1"), "matchKey is required"),
        (("query-param", "a", ""), "matchValue is required"),
        (("query-param", "a", " "), "matchValue is required"),
        (("query-param", "a", "x" * 513), "at most 512 characters"),
        (("query-param", "a" * 257, "x"), "at most 256 characters"),
        (("query-param", "a", "x\0"), "NUL character"),
        (("query-param", "a", True), "matchValue is required"),
        (("query-param", "a", 10**5000), "matchValue is required"),
        (("query-param", "a", ["x"]), "matchValue is required"),
        (("any-value-query-param", None, None), "matchKey is required"),
        (("valueless-query-param", " ", None), "matchKey is required"),
        (("ip-address", None, "1.2.3"), "matchValue is no address"),
        (("ip-address", None, "1.2.3.*.5"), "matchValue is no address"),
        (("ip-address", None, "1.2.3.4/40"), "matchValue is no address"),
        (("geolocation-country-code", None, "XX"), "country code"),
        (("geolocation-country-code", None, "NLD"), "country code"),
        (("geolocation-city-name", None, ""), "matchValue is required"),
        (("before-date", None, "tomorrow"), "must be a date"),
        (("after-date", None, "2026-02-30"), "must be a date"),
        (("after-date", None, "2026-01-31T12:00:00"), "must be a date"),
    ],
)
def test_conditions_that_are_refused(condition: tuple[Any, Any, Any], why: str) -> None:
    """The reason names the value and says what it should be."""
    kind, key, value = condition
    with pytest.raises(ConditionRefusedError, match=why):
        read_condition({"type": kind, "matchKey": key, "matchValue": value})


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({}, "is required"),
        (None, "must be a list of rules"),
        ("x", "must be a list of rules"),
        ([1], "rule 1: must be an object"),
        ([a_rule(IOS), {}], "rule 2: longUrl is required"),
        ([a_rule(IOS, url=" ")], "rule 1: longUrl is required"),
        ([a_rule(IOS, url=7)], "rule 1: longUrl is required"),
        ([a_rule(IOS, url="javascript:x")], "rule 1: longUrl scheme 'javascript' is not allowed"),
        ([a_rule(IOS, url="https://s.test/x")], "rule 1: longUrl leads back to s.test"),
        ([{"longUrl": URL}], "rule 1: conditions must be a list"),
        ([{"longUrl": URL, "conditions": "x"}], "rule 1: conditions must be a list"),
        ([a_rule(IOS), a_rule()], "rule 2: conditions must not be empty"),
        ([a_rule("x")], "rule 1: condition 1 must be an object"),
        ([a_rule(IOS, {"type": "x"})], "rule 1: condition 2: type must be one of"),
        ([a_rule()] * (MAX_RULES + 1), f"must be at most {MAX_RULES} rules"),
        ([a_rule(*[IOS] * (MAX_CONDITIONS + 1))], f"must be at most {MAX_CONDITIONS}"),
    ],
)  # fmt: skip
def test_rules_that_are_refused(rules: Any, why: str) -> None:
    """The reason says which rule, which condition, and what is wrong with it."""
    assert why in reason(rules)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["device", "ip-address", "before-date", "language", "1.2.3.4", URL]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["longUrl", "conditions", "type", "matchKey", "matchValue"]), inner
    ),
    max_leaves=12,
)  # fmt: skip


@given(_JSON)
def test_no_rules_surprise(rules: Any) -> None:
    """Whatever is sent is refused with a reason, or kept as it will be read."""
    try:
        accepted = read({"redirectRules": rules})
    except Problem:
        return
    assert decode_rules(encode_rules(accepted)) == accepted
