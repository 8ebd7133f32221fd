"""The query of a list of short URLs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from shortener.date_range import read_date_range
from shortener.named_domain import named_domain
from shortener.request_fields import MAX_INTEGER, Fields, given
from shortener.tag_names import read_tag_names

DEFAULT_ITEMS_PER_PAGE = 10
MAX_ITEMS_PER_PAGE = 1000
"""What "all" means at most: clients see it in the pagination, and ask for the other pages."""

OrderField = Literal["longUrl", "shortCode", "dateCreated", "title", "visits", "nonBotVisits"]
MODES = ("any", "all")
ORDERS = {
    f"{field}{direction}": (field, direction == "-DESC")
    for field in get_args(OrderField)
    for direction in ("", "-ASC", "-DESC")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortUrlQuery:
    """Which short URLs, in which order, and which page of them."""

    page: int = 1
    items_per_page: int | None = DEFAULT_ITEMS_PER_PAGE
    """None for all of them, which `MAX_ITEMS_PER_PAGE` bounds."""
    search_term: str = ""
    searches_default_domain: bool = False
    """The default domain contains the search term, and no domain is asked for."""
    tags: tuple[str, ...] = ()
    needs_all_tags: bool = False
    excluded_tags: tuple[str, ...] = ()
    excludes_only_all_tags: bool = False
    start_date: datetime | None = None
    end_date: datetime | None = None
    exclude_max_visits_reached: bool = False
    exclude_past_valid_until: bool = False
    domain: str | None = None
    """'' for the default domain, None for every domain."""
    api_key_name: str = ""
    order_by: OrderField = "dateCreated"
    is_descending: bool = True

    @property
    def offset(self) -> int:
        """How many short URLs come before the page."""
        return (self.page - 1) * self.limit

    @property
    def limit(self) -> int:
        """How many short URLs the page may have."""
        return self.items_per_page or MAX_ITEMS_PER_PAGE


def read_query(fields: Fields, default_domain: str, scheme: str) -> ShortUrlQuery:
    """Read the query string.

    Raises:
        Problem: some of its fields are bad.
    """
    page = given(fields.integer("page", -MAX_INTEGER, MAX_INTEGER), 1)
    items = given(
        fields.integer("itemsPerPage", -MAX_INTEGER, MAX_INTEGER), DEFAULT_ITEMS_PER_PAGE
    )
    term = given(fields.text("searchTerm"), "")
    tags, tags_mode = read_tag_names(fields, "tags"), fields.choice("tagsMode", MODES)
    excluded = read_tag_names(fields, "excludeTags")
    excluded_mode = fields.choice("excludeTagsMode", MODES)
    domain = named_domain(given(fields.text("domain"), ""), default_domain, scheme)
    order = given(fields.choice("orderBy", ORDERS), "dateCreated-DESC")
    start, end = read_date_range(fields)
    query = ShortUrlQuery(
        page=max(1, page),
        items_per_page=min(items, MAX_ITEMS_PER_PAGE) if items > 0 else None,
        search_term=term,
        searches_default_domain=domain is None and bool(term) and term.lower() in default_domain,
        tags=given(tags, ()),
        needs_all_tags=tags_mode == "all",
        excluded_tags=given(excluded, ()),
        excludes_only_all_tags=excluded_mode == "all",
        start_date=start,
        end_date=end,
        exclude_max_visits_reached=given(fields.boolean("excludeMaxVisitsReached"), False),
        exclude_past_valid_until=given(fields.boolean("excludePastValidUntil"), False),
        domain=domain,
        api_key_name=given(fields.text("apiKeyName"), ""),
        order_by=ORDERS[order][0],
        is_descending=ORDERS[order][1],
    )
    fields.raise_if_refused()
    return query
