"""The query of a list of short URLs, and the page that answers it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

import msgspec

from shortener.domain_name import DomainRefusedError, parse_domain
from shortener.request_fields import MAX_INTEGER, Fields, given
from shortener.short_url import ShortUrl
from shortener.tag_names import read_tags

DEFAULT_ITEMS_PER_PAGE = 10
DEFAULT_DOMAIN_NAME = "DEFAULT"

OrderField = Literal["longUrl", "shortCode", "dateCreated", "title", "visits", "nonBotVisits"]
_MODES = ("any", "all")
_ORDERS = {
    f"{field}{direction}": (field, direction == "-DESC")
    for field in get_args(OrderField)
    for direction in ("", "-ASC", "-DESC")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortUrlQuery:
    """Which short URLs, in which order, and which page of them."""

    page: int = 1
    items_per_page: int | None = DEFAULT_ITEMS_PER_PAGE
    """None for all of them."""
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
        return (self.page - 1) * self.items_per_page if self.items_per_page else 0


class Pagination(msgspec.Struct, frozen=True, rename="camel"):
    """Where in the whole list a page is."""

    current_page: int
    pages_count: int
    items_per_page: int
    items_in_current_page: int
    total_items: int


class ShortUrlPage(msgspec.Struct, frozen=True):
    """One page of the list."""

    data: Sequence[ShortUrl]
    pagination: Pagination


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
    tags, tags_mode = read_tags(fields), fields.choice("tagsMode", _MODES)
    excluded = read_tags(fields, "excludeTags")
    excluded_mode = fields.choice("excludeTagsMode", _MODES)
    domain = read_domain(fields, default_domain, scheme)
    order = given(fields.choice("orderBy", _ORDERS), "dateCreated-DESC")
    query = ShortUrlQuery(
        page=max(1, page),
        items_per_page=items if items > 0 else None,
        search_term=term,
        searches_default_domain=domain is None and bool(term) and term.lower() in default_domain,
        tags=given(tags, ()),
        needs_all_tags=tags_mode == "all",
        excluded_tags=given(excluded, ()),
        excludes_only_all_tags=excluded_mode == "all",
        start_date=given(fields.moment("startDate"), None),
        end_date=given(fields.moment("endDate"), None),
        exclude_max_visits_reached=given(fields.boolean("excludeMaxVisitsReached"), False),
        exclude_past_valid_until=given(fields.boolean("excludePastValidUntil"), False),
        domain=domain,
        api_key_name=given(fields.text("apiKeyName"), ""),
        order_by=_ORDERS[order][0],
        is_descending=_ORDERS[order][1],
    )
    fields.raise_if_refused()
    return query


def read_domain(fields: Fields, default_domain: str, scheme: str) -> str | None:
    """Read a filter by domain: '' for the default one, None for all."""
    text = given(fields.text("domain"), "")
    if not text:
        return None
    if text == DEFAULT_DOMAIN_NAME:
        return ""
    try:
        domain = parse_domain(text, scheme)
    except DomainRefusedError:
        return text  # no link has such a domain, so the list is empty
    return "" if domain == default_domain else domain


def paginate(query: ShortUrlQuery, data: Sequence[ShortUrl], total: int) -> ShortUrlPage:
    """Make the page that answers the query."""
    per_page = query.items_per_page or max(1, total)
    pagination = Pagination(
        current_page=query.page,
        pages_count=max(1, -(-total // per_page)),
        items_per_page=per_page,
        items_in_current_page=len(data),
        total_items=total,
    )
    return ShortUrlPage(data=data, pagination=pagination)
