"""The dates of a query, within which something was made, clicked or noted."""

from datetime import UTC, datetime

from shortener.request_fields import Fields, given

# Outside of these nothing is recorded, and nobody can reckon at the ends of the calendar.
_EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)
_LATEST = datetime(2201, 1, 1, tzinfo=UTC)


def read_date_range(fields: Fields) -> tuple[datetime | None, datetime | None]:
    """Read `startDate` and `endDate`, both inclusive, to the second; None where one is open.

    Such a date as 9999-12-31 stands for none.
    """
    start, end = (given(fields.moment(name), None) for name in ("startDate", "endDate"))
    return _clamp(start), _clamp(end)


def _clamp(moment: datetime | None) -> datetime | None:
    return None if moment is None else min(max(moment, _EARLIEST), _LATEST)
