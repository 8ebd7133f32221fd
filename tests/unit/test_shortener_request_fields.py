"""Loose casts, exact reasons."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from starlette.datastructures import QueryParams

from shortener.problems import Problem
from shortener.request_fields import Fields

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def reasons(fields: Fields) -> dict[str, str]:
    """Return what the fields' problem says."""
    with pytest.raises(Problem) as error:
        fields.raise_if_refused()
    found = error.value.members["reasons"]
    assert isinstance(found, dict)
    return found


def read_refused(method: str, value: object, *arguments: Any) -> str:
    """Read a field that must be refused; return the reason."""
    fields = Fields({"x": value})
    assert getattr(fields, method)("x", *arguments) is None
    return reasons(fields)["x"]


@pytest.mark.parametrize("method", ["text", "boolean", "moment", "texts"])
def test_absent_and_null_are_told_apart(method: str) -> None:
    """An absent field is UNSET, a null one is None, and neither is bad."""
    fields = Fields({"x": None})
    assert getattr(fields, method)("x") is None
    assert getattr(fields, method)("y") is UNSET
    fields.raise_if_refused()


@pytest.mark.parametrize(
    ("value", "expected"),
    [(" a b ", "a b"), (5, "5"), (1.5, "1.5"), ("", ""), ("  ", ""), ("😀", "😀")],
)
def test_text_is_trimmed(value: object, expected: str) -> None:
    """Numbers count as text, as in Shlink."""
    assert Fields({"x": value}).text("x") == expected


@pytest.mark.parametrize("value", [True, [], {}, ["a"]])
def test_text_of_another_kind_is_refused(value: object) -> None:
    """A list is no text."""
    assert read_refused("text", value) == "must be text"


def test_text_with_nul_is_refused() -> None:
    """PostgreSQL cannot store it, so it must not get there."""
    assert read_refused("text", "a\0b") == "contains a NUL character"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, 5), ("5", 5), (" 5 ", 5), ("+5", 5), (5.0, 5), ("", None), (None, None)],
)
def test_integers_are_cast(value: object, expected: int | None) -> None:
    """Digits in a string are an integer."""
    assert Fields({"x": value}).integer("x", 1, 10) == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("five", "must be an integer"),
        (5.5, "must be an integer"),
        (True, "must be an integer"),
        ([5], "must be an integer"),
        ("٥", "must be an integer"),
        ("9" * 5000, "must be an integer"),
        (float("1e308"), "must be between 1 and 10"),
        (10**4000, "must be between 1 and 10"),
        (0, "must be between 1 and 10"),
        ("11", "must be between 1 and 10"),
    ],
    ids=str,
)
def test_bad_integers_are_refused(value: object, reason: str) -> None:
    """Neither words nor fractions nor numbers beyond the range."""
    assert read_refused("integer", value, 1, 10) == reason


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        ("true", True),
        ("TRUE", True),
        (1, True),
        ("1", True),
        ("on", True),
        (False, False),
        ("false", False),
        (0, False),
        ("no", False),
        ("", None),
    ],
)
def test_booleans_are_cast(value: object, expected: bool | None) -> None:
    """Words and digits of both kinds."""
    assert Fields({"x": value}).boolean("x") is expected


@pytest.mark.parametrize("value", ["maybe", 2, [], {}, " "])
def test_bad_booleans_are_refused(value: object) -> None:
    """What is neither true nor false."""
    assert read_refused("boolean", value) == "must be true or false"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-31T12:00:00+00:00", NOON),
        ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31t13:00:00.999+0100", NOON),
        ("2026-01-31T07:30:00-04:30", NOON),
        ("2026-01-31T12:00:00 00:00", NOON),
        ("2026-01-31", NOON.replace(hour=0)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, 0, 0, 1, tzinfo=UTC)),
        ("", None),
    ],
)
def test_moments_have_an_offset_and_whole_seconds(value: str, expected: datetime | None) -> None:
    """A date is the midnight in UTC; a plus sign may have become a space in a query."""
    assert Fields({"x": value}).moment("x") == expected


@pytest.mark.parametrize(
    "value",
    [
        "tomorrow",
        "2026-02-30",
        "2026-01-31T12:00:00",
        "2026-01-31 12:00:00+00:00",
        "2026-13-01",
        "2026-01-31T25:00:00Z",
        "20260131",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-01-31T12:00:00+99:99",
        1_769_860_800,
        "٢٠٢٦-٠١-٣١",
    ],
)
def test_bad_moments_are_refused(value: object) -> None:
    """No such day, no offset, or beyond the years that can be stored."""
    assert read_refused("moment", value).startswith("must be a date")


@pytest.mark.parametrize(
    ("value", "expected"), [([" a ", 5], ["a", "5"]), ([], []), ("a", ["a"])], ids=str
)
def test_texts_are_a_list(value: object, expected: list[str]) -> None:
    """One text stands for a list of one, as in a query without brackets."""
    assert Fields({"x": value}).texts("x") == expected


@pytest.mark.parametrize("value", [[None], [["a"]], [True], {"a": 1}, ["a\0"]], ids=str)
def test_bad_lists_are_refused(value: object) -> None:
    """Each element must be text."""
    assert read_refused("texts", value).startswith("must be a list of texts")


def test_a_choice_is_one_of_the_words() -> None:
    """The reason lists what there is to choose from."""
    assert Fields({"x": "any"}).choice("x", ("any", "all")) == "any"
    assert read_refused("choice", "Any", ("any", "all")) == "must be one of any, all"


def test_all_bad_fields_are_named_in_reading_order() -> None:
    """One answer is enough to mend them all; of one field the first reason counts."""
    fields = Fields({"a": [], "b": "x", "c": "x"})
    fields.text("c")
    fields.integer("b", 1, 2)
    fields.text("a")
    fields.refuse("c", "is bad")
    fields.refuse("b", "is worse")
    assert list(reasons(fields).items()) == [
        ("c", "is bad"),
        ("b", "must be an integer"),
        ("a", "must be text"),
    ]


def test_brackets_of_a_query_make_a_list() -> None:
    """Both styles of PHP, and a plain repetition is overwritten by the last."""
    query = QueryParams("tags[]=a&tags[]=b&more[0]=c&page=1&page=2")
    fields = Fields.from_query(query)
    assert fields.texts("tags") == ["a", "b"]
    assert fields.texts("more") == ["c"]
    assert fields.text("page") == "2"


@pytest.mark.parametrize("method", ["text", "boolean", "moment", "texts"])
@given(value=ANY_JSON)
def test_no_value_surprises_a_reader(method: str, value: object) -> None:
    """Whatever JSON holds is read or refused."""
    fields = Fields({"x": value})
    getattr(fields, method)("x")


@given(value=ANY_JSON)
def test_no_value_surprises_the_reader_of_integers(value: object) -> None:
    """What is read is in the range."""
    number = Fields({"x": value}).integer("x", 1, 10)
    assert number is None or number in range(1, 11)
