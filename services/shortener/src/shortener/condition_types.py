"""The types of conditions that redirect rules may have, and what each of them asks for."""

import re
from collections.abc import Callable, Mapping

from shared.address_pattern import parse_pattern
from shared.redirect_rule import Condition
from shortener.country_codes import COUNTRY_CODES
from shortener.request_fields import parse_moment, to_text

MAX_KEY_LENGTH = 256
MAX_VALUE_LENGTH = 512

DEVICES = ("android", "ios", "mobile", "windows", "macos", "linux", "chromeos", "desktop")
BROWSERS = ("chrome", "firefox", "edge", "safari", "opera", "android_browser")

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]{2,8}){0,2}", re.IGNORECASE | re.ASCII)


class ConditionRefusedError(ValueError):
    """The condition is wrong; str() says how."""


Read = Callable[[str], str]
"""Returns a value as it is stored; raises ValueError, which says why it is none."""


def _one_of(words: tuple[str, ...]) -> Read:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return read


def _language(text: str) -> str:
    if _LANGUAGE.fullmatch(text) is None:
        raise ValueError("must be a language, as en or en-US")
    return text


def _text(text: str) -> str:
    return text


def _address(text: str) -> str:
    parse_pattern(text)
    return text


def _country(text: str) -> str:
    if text.upper() not in COUNTRY_CODES:
        raise ValueError("must be a country code of two letters (ISO 3166-1)")
    return text.upper()


def _date(text: str) -> str:
    moment = parse_moment(text)
    if moment is None:
        raise ValueError("must be a date as 2026-01-31 or 2026-01-31T12:00:00+00:00")
    return moment.isoformat(timespec="seconds")


_VALUES: Mapping[str, Read | None] = {
    "device": _one_of(DEVICES),
    "browser": _one_of(BROWSERS),
    "language": _language,
    "query-param": _text,
    "any-value-query-param": None,
    "valueless-query-param": None,
    "ip-address": _address,
    "geolocation-country-code": _country,
    "geolocation-city-name": _text,
    "before-date": _date,
    "after-date": _date,
}
"""By type how its value is read; None where it has none."""

CONDITION_TYPES = tuple(_VALUES)

_WITH_KEY = frozenset({"query-param", "any-value-query-param", "valueless-query-param"})


def read_condition(given: Mapping[str, object]) -> Condition:
    """Read a condition of a body; the value or key that its type has no use for is left out.

    Raises:
        ConditionRefusedError: it is none.
    """
    kind = given.get("type")
    if not isinstance(kind, str) or kind not in _VALUES:
        raise ConditionRefusedError(f"type must be one of {', '.join(_VALUES)}")
    key = _given(given, "matchKey", MAX_KEY_LENGTH) if kind in _WITH_KEY else None
    read = _VALUES[kind]
    if read is None:
        return Condition(kind, key, None)
    text = _given(given, "matchValue", MAX_VALUE_LENGTH)
    try:
        return Condition(kind, key, read(text))
    except ValueError as error:
        raise ConditionRefusedError(f"matchValue {error}") from None


def _given(given: Mapping[str, object], name: str, max_length: int) -> str:
    text = (to_text(given.get(name)) or "").strip()
    if not text:
        raise ConditionRefusedError(f"{name} is required")
    if len(text) > max_length:
        raise ConditionRefusedError(f"{name} must be at most {max_length} characters")
    if "\0" in text:
        raise ConditionRefusedError(f"{name} contains a NUL character")
    return text
