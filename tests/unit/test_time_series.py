"""Hours of UTC in the hours, days and months of time zones."""

from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from shared.day_statistics import Counts
from shortener.statistics_query import StatisticsQuery, Unit
from shortener.statistics_search import whole_days
from shortener.time_series import time_series


def series(zone: str, unit: str, start: str, end: str) -> list[tuple[str, int]]:
    """Return each unit's begin and clicks, where each hour of UTC around has one click."""
    first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
    begin = int(first.timestamp()) // 3600 - 50
    count = 100 + (last - first) // timedelta(hours=1)
    hours = [(begin + n, Counts(1, 0)) for n in range(count)]
    query = StatisticsQuery(
        start=first, end=last, unit=cast(Unit, unit), zone=ZoneInfo(zone), limit=10,
        excludes_bots=False,
    )  # fmt: skip
    return [(at.isoformat(), counts.clicks) for at, counts in time_series(query, hours)]


def test_the_day_on_which_clocks_go_forward_has_23_hours() -> None:
    """And the one on which they go back has 25; each begins at its own midnight."""
    spring = series(
        "Europe/Vienna", "day", "2026-03-28T00:00:00+01:00", "2026-03-30T23:59:59+02:00"
    )
    assert spring == [
        ("2026-03-28T00:00:00+01:00", 24),
        ("2026-03-29T00:00:00+01:00", 23),
        ("2026-03-30T00:00:00+02:00", 24),
    ]
    autumn = series(
        "Europe/Vienna", "day", "2026-10-25T00:00:00+02:00", "2026-10-25T23:59:59+01:00"
    )
    assert autumn == [("2026-10-25T00:00:00+02:00", 25)]


def test_the_hour_that_comes_twice_is_there_twice() -> None:
    """Told apart by its offset."""
    hours = series(
        "America/New_York", "hour", "2026-11-01T00:00:00-04:00", "2026-11-01T02:00:00-05:00"
    )
    assert hours == [
        ("2026-11-01T00:00:00-04:00", 1),
        ("2026-11-01T01:00:00-04:00", 1),
        ("2026-11-01T01:00:00-05:00", 1),
        ("2026-11-01T02:00:00-05:00", 1),
    ]


def test_a_day_without_midnight_begins_when_clocks_skip_it() -> None:
    """In Beirut the day of the change begins at one o'clock."""
    days = series("Asia/Beirut", "day", "2026-03-29T01:00:00+03:00", "2026-03-30T12:00:00+03:00")
    assert days == [("2026-03-29T01:00:00+03:00", 23), ("2026-03-30T00:00:00+03:00", 13)]


def test_months_are_those_of_the_zone() -> None:
    """Months are of their own lengths, and the last one only as far as the range goes."""
    months = series(
        "Asia/Tokyo", "month", "2026-01-31T00:00:00+09:00", "2026-03-01T23:59:59+09:00"
    )
    assert months == [
        ("2026-01-01T00:00:00+09:00", 24),
        ("2026-02-01T00:00:00+09:00", 28 * 24),
        ("2026-03-01T00:00:00+09:00", 24),
    ]


def test_an_hour_counts_for_the_day_in_which_it_begins() -> None:
    """Where a zone is off by half an hour each day still has 24 of them."""
    days = series("Asia/Kolkata", "day", "2026-05-01T00:00:00+05:30", "2026-05-02T23:59:59+05:30")
    assert days == [("2026-05-01T00:00:00+05:30", 24), ("2026-05-02T00:00:00+05:30", 24)]


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("2026-05-01T00:00:00+00:00", "2026-05-03T23:59:59+00:00", "2026-05-01", "2026-05-03"),
        ("2026-05-01T00:00:00+11:00", "2026-05-01T23:59:59+11:00", "2026-05-01", "2026-05-01"),
        ("2026-05-01T00:00:00-11:00", "2026-05-01T23:59:59-11:00", "2026-05-01", "2026-05-01"),
        ("2026-05-01T13:00:00+00:00", "2026-05-01T14:00:00+00:00", "2026-05-01", "2026-05-01"),
        ("2026-05-01T22:00:00+00:00", "2026-05-02T06:00:00+00:00", "2026-05-02", "2026-05-02"),
    ],
)
def test_a_range_stands_for_whole_days(start: str, end: str, first: str, last: str) -> None:
    """A day of any zone is one day of UTC, and a range without a noon is the day it is in."""
    days = whole_days(datetime.fromisoformat(start), datetime.fromisoformat(end))
    assert [str(day) for day in days] == [first, last]
