"""What statistics are asked for: a range, a time zone, a unit, and how long the lists are."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Literal, cast, get_args
from zoneinfo import ZoneInfo, available_timezones

from shortener.request_fields import Fields, given
from shortener.visit_query import VisitRange, read_visit_range

Unit = Literal["hour", "day", "month"]

DEFAULT_RANGE: dict[Unit, timedelta] = {
    "hour": timedelta(days=2), "day": timedelta(days=30), "month": timedelta(days=365),
}  # fmt: skip
MAX_RANGE: dict[Unit, timedelta] = {
    "hour": timedelta(days=32), "day": timedelta(days=367), "month": timedelta(days=367),
}  # fmt: skip
"""Of one answer: what it has to read and to show grows with the days."""

DEFAULT_LIMIT = 10
MAX_LIMIT = 100

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing was clicked before."""
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsQuery:
    """One question; `range` has both ends."""

    start: datetime
    end: datetime
    unit: Unit
    zone: ZoneInfo
    limit: int
    excludes_bots: bool

    @property
    def range(self) -> VisitRange:
        """Return what the range is as one of visits."""
        return VisitRange(start=self.start, end=self.end, excludes_bots=self.excludes_bots)


def read_statistics_query(fields: Fields, now: Callable[[], datetime]) -> StatisticsQuery:
    """Read the query string; the caller raises what was refused."""
    unit = cast(Unit, given(fields.choice("unit", get_args(Unit)), "day"))
    zone_name = given(fields.text("timeZone"), "") or "UTC"
    if zone_name not in _zone_names():
        fields.refuse("timeZone", "must be a name of the IANA database, as Europe/Vienna")
        zone_name = "UTC"
    visit_range = read_visit_range(fields)
    end = visit_range.end or now()
    if visit_range.end is None and visit_range.start is not None:
        end = visit_range.start + min(MAX_RANGE[unit], end - visit_range.start)
    start = visit_range.start or end - DEFAULT_RANGE[unit]
    if not EARLIEST <= start <= LATEST:
        fields.refuse("startDate", "must be between 2000 and 2200")
    elif not EARLIEST <= end <= LATEST:
        fields.refuse("endDate", "must be between 2000 and 2200")
    elif end < start:
        fields.refuse("endDate", "is before startDate")
    elif end - start > MAX_RANGE[unit]:
        fields.refuse("startDate", f"is more than {MAX_RANGE[unit].days} days before endDate")
    return StatisticsQuery(
        start=start,
        end=end,
        unit=unit,
        zone=ZoneInfo(zone_name),
        limit=given(fields.integer("limit", 1, MAX_LIMIT), DEFAULT_LIMIT),
        excludes_bots=visit_range.excludes_bots,
    )


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones() | {"UTC"})
