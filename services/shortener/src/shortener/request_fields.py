"""Reading the fields of a body or query: loose casts, and every bad field noted with its reason.

A field is absent (`UNSET`), null (None) or a value; only a PATCH tells the first two apart.
"""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from msgspec import UNSET, UnsetType
from starlette.datastructures import QueryParams

from shortener.problems import invalid_data

T = TypeVar("T")

MAX_INTEGER = 2**31 - 1

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
# A plus sign that a query did not escape has become a space.
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d:\d\d)(?:\.\d+)?(?:[Zz]|([+ -])(\d\d):?(\d\d)))?",
    re.ASCII,
)
_EARLIEST = datetime(1, 1, 1, 0, 0, 1, tzinfo=UTC)
"""One second later than the first moment of all, which the driver stores as minus infinity and
reads without a zone. Programs send that first moment where no time is set."""
_BRACKETS = re.compile(r"([^\[]+)\[\d*\]")


class Fields:
    """The fields of one request. Reading a bad one gives its null and notes why it is bad."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values
        self._reasons: dict[str, str | None] = {}

    @classmethod
    def from_query(cls, query: QueryParams) -> "Fields":
        """Read a query string, in which `name[]` repeats make a list."""
        values: dict[str, object] = {}
        lists: dict[str, list[str]] = {}
        for name, value in query.multi_items():
            if brackets := _BRACKETS.fullmatch(name):
                lists.setdefault(brackets[1], []).append(value)
            else:
                values[name] = value
        return cls(values | lists)

    def has(self, name: str) -> bool:
        """Tell whether the field was given, with whatever value."""
        return self._read(name) is not UNSET

    def refuse(self, name: str, reason: str) -> None:
        """Note that the field is bad; the first reason counts."""
        self._reasons[name] = self._reasons.get(name) or reason

    def raise_if_refused(self) -> None:
        """Raise the problem that names all bad fields, in the order in which they were read."""
        reasons = {name: reason for name, reason in self._reasons.items() if reason}
        if reasons:
            raise invalid_data(reasons)

    def text(self, name: str) -> str | UnsetType | None:
        """Read trimmed text; a number counts as its digits."""
        value = self._read(name)
        if value is UNSET or value is None:
            return value
        text = to_text(value)
        if text is None:
            self.refuse(name, "must be text")
            return None
        if "\0" in text:
            self.refuse(name, "contains a NUL character")
            return None
        return text.strip()

    def integer(self, name: str, minimum: int, maximum: int) -> int | UnsetType | None:
        """Read an integer, also out of text; empty text is null."""
        value = self._read(name)
        if value is UNSET or value is None or value == "":
            return None if value == "" else value
        number = _to_integer(value)
        if number is None:
            self.refuse(name, "must be an integer")
        elif not minimum <= number <= maximum:
            self.refuse(name, f"must be between {minimum} and {maximum}")
        else:
            return number
        return None

    def boolean(self, name: str) -> bool | UnsetType | None:
        """Read true or false, also as a word or as 1 and 0; empty text is null."""
        value = self._read(name)
        if value is UNSET or value is None or isinstance(value, bool):
            return value
        word = (to_text(value) or "").strip().lower()
        if word in _TRUE | _FALSE:
            return word in _TRUE
        if value != "":
            self.refuse(name, "must be true or false")
        return None

    def moment(self, name: str) -> datetime | UnsetType | None:
        """Read a date, or a time with its offset from UTC, to the second; empty text is null."""
        text = self.text(name)
        if not isinstance(text, str) or not text:
            return None if text == "" else text
        moment = parse_moment(text)
        if moment is None:
            self.refuse(name, "must be a date as 2026-01-31 or 2026-01-31T12:00:00+00:00")
        return moment

    def texts(self, name: str) -> list[str] | UnsetType | None:
        """Read a list of trimmed texts."""
        values = self._read(name)
        if values is UNSET or values is None:
            return values
        given = values if isinstance(values, list) else [values]
        texts = [to_text(value) for value in given]
        clean = [text.strip() for text in texts if text is not None and "\0" not in text]
        if len(clean) == len(given):
            return clean
        self.refuse(name, "must be a list of texts without NUL characters")
        return None

    def choice(self, name: str, allowed: Collection[str]) -> str | UnsetType | None:
        """Read one of the allowed words; empty text is null."""
        text = self.text(name)
        if not isinstance(text, str) or not text:
            return None if text == "" else text
        if text in allowed:
            return text
        self.refuse(name, f"must be one of {', '.join(allowed)}")
        return None

    def _read(self, name: str) -> object:
        self._reasons.setdefault(name, None)
        return self._values.get(name, UNSET)


def given(value: T | UnsetType | None, default: T) -> T:
    """Return the value, or `default` where the field is absent or null."""
    return default if value is None or isinstance(value, UnsetType) else value


def to_text(value: object) -> str | None:
    """Read text, or a number as its digits; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return str(value)
    except ValueError:  # an integer of thousands of digits
        return None


def _to_integer(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value.strip())
    return None


def parse_moment(text: str) -> datetime | None:
    """Read a date, or a time with its offset from UTC; None if it is neither."""
    parts = _MOMENT.fullmatch(text)
    if parts is None:
        return None
    date, time, sign, hours, minutes = parts.groups()
    offset = f"{'-' if sign == '-' else '+'}{hours}:{minutes}" if sign else "+00:00"
    try:
        moment = datetime.fromisoformat(f"{date}T{time or '00:00:00'}{offset}")
        return max(moment.astimezone(UTC), _EARLIEST)
    except (ValueError, OverflowError):  # no such day, or beyond the years that exist
        return None
