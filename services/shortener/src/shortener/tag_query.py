"""The query of the lists of tags, and what is shown of a tag."""

from dataclasses import dataclass
from typing import Literal, get_args

import msgspec

from shortener.request_fields import MAX_INTEGER, Fields, given
from shortener.short_url import VisitsSummary

MAX_TAGS_PER_PAGE = 10_000
"""What "all" means at most."""

OrderField = Literal["tag", "shortUrlsCount", "visits", "nonBotVisits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagQuery:
    """Which tags, in which order, and which page of them."""

    page: int = 1
    items_per_page: int | None = None
    """None for all of them, which `MAX_TAGS_PER_PAGE` bounds."""
    search_term: str = ""
    order_by: OrderField = "tag"
    is_descending: bool = False

    @property
    def limit(self) -> int:
        """How many tags the page may have."""
        return self.items_per_page or MAX_TAGS_PER_PAGE

    @property
    def offset(self) -> int:
        """How many tags come before the page."""
        return (self.page - 1) * self.limit


class TagInfo(msgspec.Struct, frozen=True, rename="camel"):
    """A tag, its short URLs and their visits."""

    tag: str
    short_urls_count: int
    visits_summary: VisitsSummary


def read_tag_query(fields: Fields) -> TagQuery:
    """Read the query string; an order that there is not means by name.

    Raises:
        Problem: some of its fields are bad.
    """
    page = given(fields.integer("page", -MAX_INTEGER, MAX_INTEGER), 1)
    items = given(fields.integer("itemsPerPage", -MAX_INTEGER, MAX_INTEGER), 0)
    term = given(fields.text("searchTerm"), "")
    field, _, direction = given(fields.text("orderBy"), "").partition("-")
    fields.raise_if_refused()
    return TagQuery(
        page=max(1, page),
        items_per_page=min(items, MAX_TAGS_PER_PAGE) if items > 0 else None,
        search_term=term,
        order_by=next((name for name in get_args(OrderField) if name == field), "tag"),
        is_descending=direction == "DESC",
    )
