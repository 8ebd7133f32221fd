"""Adding up statistics of days."""

import pytest

from shared.click_delta import Source, decode_delta, encode_delta
from shared.day_statistics import (
    Counts,
    DayStatistics,
    Values,
    decode_day,
    encode_day,
    referer_host,
    source_values,
)


@pytest.mark.parametrize(
    ("referer", "host"),
    [
        ("", ""),
        ("https://News.Example.org/a?b", "news.example.org"),
        ("http://user:x@a.test:8080/", "a.test"),
        ("https://[2001:db8::1]:80/", "[2001:db8::1]"),
        ("android-app://com.example.reader/", "com.example.reader"),
        ("about:blank", ""),
        ("https://", ""),
        ("not a url", ""),
    ],
)
def test_a_referer_counts_by_its_host(referer: str, host: str) -> None:
    """Host without port and path in lower case; what has none is unknown."""
    assert referer_host(referer) == host


def test_values_are_cropped_and_unknown_is_empty() -> None:
    """No value of a dimension is longer than a hundred characters."""
    values = source_values(f"https://{'a' * 300}.test/", None, "Windows", None, "NL")
    assert values == ("a" * 100, "", "Windows", "", "NL")


def test_what_is_taken_away_was_in_a_value_or_in_other() -> None:
    """Settled, a value is not below zero, and the sum is right, whatever was added up first."""
    values, taken = Values(), Values()
    values.add("a", 3, 1)
    values.add("c", 2, 0)
    taken.add("a", -2, -1)
    values.merge(taken)
    values.settle()
    assert values.counts == {"a": Counts(1, 0), "c": Counts(2, 0)}
    assert values.other == Counts()
    values.add("a", -2, 0)
    values.add("b", -1, 0)
    values.settle()
    assert values.counts == {"c": Counts(2, 0)}
    assert values.other == Counts(-2, 0)


def test_days_survive_bytes_and_add_up() -> None:
    """Merging what was encoded is the same as adding; an older day lacks a newer dimension."""
    one, other, both = DayStatistics(), DayStatistics(), DayStatistics()
    for day, hour, host in ((one, 3, "a"), (one, 3, "b"), (other, 4, "a")):
        for each in (day, both):
            each.add(hour, (host, "Chrome", "", ""), 2, 1)
    one.merge(decode_day(encode_day(other)))
    assert one == both
    assert one.total() == Counts(6, 3)
    older = DayStatistics(hours={1: Counts(1, 0)}, dimensions=[Values({"a": Counts(1, 0)})])
    older.merge(both)
    assert older.dimensions[0].counts["a"] == Counts(5, 2)
    assert older.dimensions[3].counts[""] == Counts(6, 3)
    assert decode_day(b"") == DayStatistics()


@pytest.mark.parametrize(
    "visitors",
    [["f" * 32, None, "short"], ["f" * 32, None, "-" + "1" * 31], ["f" * 32, None, "z" * 32]],
    ids=["short", "a negative number", "no number"],
)
def test_a_delta_survives_bytes(visitors: list[str | None]) -> None:
    """Columns come back as they were; a visitor of any form has a hash, and changes no other."""
    delta = decode_delta(
        encode_delta(
            links=[7, 0, 7],
            hours=[100, 99, 100],
            keys=["x", "y", "x"],
            source=lambda key: Source(key == "y", (key, "", "", "")),
            visitors=visitors,
            sign=-1,
        )
    )
    assert (delta.sign, delta.first_hour, delta.hours) == (-1, 99, [1, 0, 1])
    assert delta.source_numbers == [0, 1, 0]
    assert [source.is_bot for source in delta.sources] == [False, True]
    hashes = delta.visitor_hashes()
    assert hashes[:2] == (2**64 - 1, 0)
    assert hashes[2] > 0
