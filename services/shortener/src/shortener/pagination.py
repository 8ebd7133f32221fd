"""Pages of lists: where in the whole list one is, in the members that Shlink's clients read."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


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


def paginate(page: int, items_per_page: int, data: Sequence[T], total: int) -> Page[T]:
    """Make the page that has these items."""
    pagination = Pagination(
        current_page=page,
        pages_count=max(1, -(-total // items_per_page)),
        items_per_page=items_per_page,
        items_in_current_page=len(data),
        total_items=total,
    )
    return Page(data=data, pagination=pagination)
