"""The conditions of redirect rules: each type made into a function that tells whether it holds."""

from collections.abc import Callable, Mapping
from datetime import datetime

from redirector.visitor_facts import VisitorFacts
from shared.address_pattern import parse_pattern
from shared.redirect_rule import Condition

Holds = Callable[[VisitorFacts], bool]


def prepare(condition: Condition) -> Holds:
    """Make the function of a condition; one that cannot be understood never holds."""
    make = _MAKERS.get(condition.type)
    if make is None:
        return _never
    try:
        return make(condition.match_key or "", condition.match_value or "")
    except ValueError:
        return _never


def _never(_: VisitorFacts) -> bool:
    return False


def _device(_: str, kind: str) -> Holds:
    return lambda facts: kind in facts.device.kinds


def _browser(_: str, browser: str) -> Holds:
    return lambda facts: facts.device.browser == browser


def _language(_: str, tag: str) -> Holds:
    language, *subtags = tag.lower().replace("_", "-").split("-")

    def holds(facts: VisitorFacts) -> bool:
        return any(
            own[0] == language and all(subtag in own[1:] for subtag in subtags)
            for own in facts.languages
        )

    return holds


def _query_param(name: str, value: str) -> Holds:
    return lambda facts: value in facts.parameters.get(name, ())


def _any_value_query_param(name: str, _: str) -> Holds:
    return lambda facts: name in facts.parameters


def _valueless_query_param(name: str, _: str) -> Holds:
    return lambda facts: "" in facts.parameters.get(name, ())


def _ip_address(_: str, text: str) -> Holds:
    pattern = parse_pattern(text)
    return lambda facts: facts.address is not None and pattern.matches(facts.address)


def _country(_: str, code: str) -> Holds:
    wanted = code.upper()
    return lambda facts: facts.place.country == wanted


def _city(_: str, name: str) -> Holds:
    wanted = name.casefold()
    return lambda facts: (facts.place.city or "").casefold() == wanted


def _before_date(_: str, date: str) -> Holds:
    moment_ms = _to_ms(date)
    return lambda facts: facts.now_ms < moment_ms


def _after_date(_: str, date: str) -> Holds:
    moment_ms = _to_ms(date)
    return lambda facts: facts.now_ms >= moment_ms


def _to_ms(date: str) -> float:
    moment = datetime.fromisoformat(date)
    if moment.tzinfo is None:
        raise ValueError("no offset from UTC")
    return moment.timestamp() * 1000


_MAKERS: Mapping[str, Callable[[str, str], Holds]] = {
    "device": _device,
    "browser": _browser,
    "language": _language,
    "query-param": _query_param,
    "any-value-query-param": _any_value_query_param,
    "valueless-query-param": _valueless_query_param,
    "ip-address": _ip_address,
    "geolocation-country-code": _country,
    "geolocation-city-name": _city,
    "before-date": _before_date,
    "after-date": _after_date,
}
