"""The query of a list of visits, and the pages it has."""

from dataclasses import dataclass
from datetime import datetime

from shortener.date_range import read_date_range
from shortener.request_fields import MAX_INTEGER, Fields, given

MAX_ITEMS_PER_PAGE = 10_000
"""Who asks for more, or for everything, gets pages of this many, and `pagesCount` says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRange:
    """Which visits of a scope; both ends inclusive, to the second."""

    start: datetime | None = None
    end: datetime | None = None
    excludes_bots: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitQuery:
    """Which page of them."""

    range: VisitRange
    page: int = 1
    items_per_page: int | None = None
    """None for all of them."""

    @property
    def limit(self) -> int:
        """How many visits a page may have."""
        return MAX_ITEMS_PER_PAGE

    @property
    def page_size(self) -> int:
        """How many visits a full page has."""
        return self.items_per_page or self.limit

    @property
    def offset(self) -> int:
        """How many visits come before the page."""
        return (self.page - 1) * self.page_size


def read_visit_query(fields: Fields) -> VisitQuery:
    """Read the query string; the caller raises what was refused."""
    page = given(fields.integer("page", -MAX_INTEGER, MAX_INTEGER), 1)
    items = given(fields.integer("itemsPerPage", -MAX_INTEGER, MAX_INTEGER), 0)
    return VisitQuery(
        range=read_visit_range(fields),
        page=max(1, page),
        items_per_page=min(items, MAX_ITEMS_PER_PAGE) if items > 0 else None,
    )


def read_visit_range(fields: Fields) -> VisitRange:
    """Read dates and `excludeBots`, of which only the presence counts, as in Shlink."""
    start, end = read_date_range(fields)
    return VisitRange(start=start, end=end, excludes_bots=fields.has("excludeBots"))
