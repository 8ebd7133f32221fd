"""Counts by UTC hour put into the hours, days or months of a time zone.

A clock's change is none for the hours of UTC: the day on which clocks go forward has 23 of them.
In zones that are off by parts of an hour an hour counts for the day in which it begins.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta

from shared.day_statistics import Counts
from shortener.statistics_query import StatisticsQuery

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def time_series(
    query: StatisticsQuery, hours: Iterable[tuple[int, Counts]]
) -> list[tuple[datetime, Counts]]:
    """Return each unit of the range, empty ones too, in order: its begin there, and its clicks.

    `hours` are numbered from 1970 on, in UTC. Whole hours count, those that the range only
    touches included.
    """
    starts = [*(_hours(query) if query.unit == "hour" else _days(query))]
    series = [(start.astimezone(query.zone), Counts()) for start in starts]
    # Numbers, since a year of everything has thousands of hours to put into their place.
    first_hours = [_first_hour_of(start) for start in starts]
    # An hour that begins before the first day is of the day before, whatever the range cuts.
    first = max(first_hours[0], (query.start - _EPOCH) // _HOUR)
    last = (query.end - _EPOCH) // _HOUR
    for hour, counts in hours:
        if first <= hour <= last:
            _, total = series[bisect_right(first_hours, hour) - 1]
            # Not by a call of `add`: ninety days have more than two thousand hours.
            total.clicks += counts.clicks
            total.bots += counts.bots
    return series


def _first_hour_of(start: datetime) -> int:
    """Return the first whole hour that begins then or later."""
    return -((_EPOCH - start) // _HOUR)


def _hours(query: StatisticsQuery) -> Iterator[datetime]:
    hour = query.start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while hour <= query.end:
        yield hour
        hour += _HOUR


def _days(query: StatisticsQuery) -> Iterator[datetime]:
    """Yield the begin of each day or month as a moment of UTC."""
    day, last = (moment.astimezone(query.zone).date() for moment in (query.start, query.end))
    if query.unit == "month":
        day = day.replace(day=1)
    while day <= last:
        # Where clocks skip midnight this is the moment at which they do.
        yield datetime.combine(day, time(), query.zone).astimezone(UTC)
        day = day + _DAY if query.unit == "day" else (day + 31 * _DAY).replace(day=1)
