"""Pages of lists: where in the whole list one is, in the members that Shlink's clients read."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

T = TypeVar("T")


class PagedQuery(Protocol):
    """Which page is asked for."""

    @property
    def page(self) -> int:
        """Its number; the first is 1."""

    @property
    def items_per_page(self) -> int | None:
        """None for all of them."""

    @property
    def limit(self) -> int:
        """How many items a page may have, all of them included."""


class Pagination(msgspec.Struct, frozen=True, rename="camel"):
    """Where in the whole list a page is."""

    current_page: int
    pages_count: int
    items_per_page: int
    items_in_current_page: int
    total_items: int


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list."""

    data: Sequence[T]
    pagination: Pagination


def paginate(query: PagedQuery, data: Sequence[T], total: int) -> Page[T]:
    """Make the page that answers the query; "all of them" is a page of that size, if it may be."""
    per_page = query.items_per_page or min(query.limit, max(1, total))
    pagination = Pagination(
        current_page=query.page,
        pages_count=max(1, -(-total // per_page)),
        items_per_page=per_page,
        items_in_current_page=len(data),
        total_items=total,
    )
    return Page(data=data, pagination=pagination)
