"""The JSON object that statistics are answered with."""

from collections.abc import Mapping, Sequence

import msgspec

from shared.day_statistics import Counts, Dimension, Values
from shortener.short_url import VisitsSummary
from shortener.statistics_query import StatisticsQuery
from shortener.statistics_search import Found
from shortener.time_series import time_series

_NAMES: dict[Dimension, str] = {
    "referer": "referers",
    "browser": "browsers",
    "operating_system": "operatingSystems",
    "device": "devices",
    "country": "countries",
}


class Point(msgspec.Struct, frozen=True):
    """One hour, day or month."""

    start: str
    visits: VisitsSummary


class Visitors(msgspec.Struct, frozen=True):
    """Different visitors of one day (UTC)."""

    date: str
    visitors: int


class Item(msgspec.Struct, frozen=True):
    """One value of a dimension; null for unknown."""

    value: str | None
    visits: VisitsSummary


class TopList(msgspec.Struct, frozen=True):
    """The most frequent values, and all others together."""

    items: Sequence[Item]
    other: VisitsSummary


class Statistics(msgspec.Struct, frozen=True, rename="camel"):
    """All of it."""

    start_date: str
    end_date: str
    time_zone: str
    unit: str
    visits: VisitsSummary
    """Sum of the series."""
    series: Sequence[Point]
    first_day: str
    last_day: str
    """Of the lists, which go by whole days of UTC."""
    unique_visitors: Sequence[Visitors]
    top: Mapping[str, TopList]


def statistics_answer(query: StatisticsQuery, found: Found) -> Statistics:
    """Make the answer."""
    series = time_series(query, found.hours)
    total = Counts()
    for _, counts in series:
        total.add(counts.clicks, counts.bots)
    return Statistics(
        start_date=query.start.astimezone(query.zone).isoformat(timespec="seconds"),
        end_date=query.end.astimezone(query.zone).isoformat(timespec="seconds"),
        time_zone=query.zone.key,
        unit=query.unit,
        visits=_summary(query, total),
        series=[
            Point(start.isoformat(timespec="seconds"), _summary(query, counts))
            for start, counts in series
        ],
        first_day=str(found.first_day),
        last_day=str(found.last_day),
        unique_visitors=[Visitors(str(day), n) for day, n in sorted(found.visitors.items())],
        top={name: _top(query, found.dimensions[dimension]) for dimension, name in _NAMES.items()},
    )


def _top(query: StatisticsQuery, values: Values) -> TopList:
    ranked = sorted(values.counts.items(), key=lambda item: (-_rank(query, item[1]), item[0]))
    other = Counts(values.other.clicks, values.other.bots)
    items: list[Item] = []
    for value, counts in ranked:
        if len(items) < query.limit and _rank(query, counts) > 0:
            items.append(Item(value or None, _summary(query, counts)))
        else:
            other.add(counts.clicks, counts.bots)
    return TopList(items, _summary(query, other))


def _rank(query: StatisticsQuery, counts: Counts) -> int:
    return counts.clicks - (counts.bots if query.excludes_bots else 0)


def _summary(query: StatisticsQuery, counts: Counts) -> VisitsSummary:
    bots = 0 if query.excludes_bots else counts.bots
    people = counts.clicks - counts.bots
    return VisitsSummary(total=people + bots, non_bots=people, bots=bots)
