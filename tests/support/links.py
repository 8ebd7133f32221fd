"""Builders of links and fakes of the places they are kept in."""

from collections.abc import Iterable, Sequence
from typing import Any

from shared.link import Link, link_of_row
from shared.link_cache import LinkKey


def a_link(**changes: Any) -> Link:
    """Make a plain link, with `changes`."""
    values: dict[str, Any] = {"version": 1, "link_id": 7, "location": "https://example.org/"}
    return Link(**{**values, **changes})


def a_blocked_link() -> Link:
    """Make a link that is down for its destination."""
    return link_of_row(
        version=1, link_id=7, long_url="https://evil.test/", valid_since=None, valid_until=None,
        max_visits=None, forward_query=True, rules=None, is_blocked=True,
    )  # fmt: skip


class FakeCache:
    """Redis as the resolver sees it; counts round trips, fails on demand."""

    def __init__(self, links: dict[LinkKey, Link] | None = None) -> None:
        self.links = dict(links or {})
        self.lookups: list[list[LinkKey]] = []
        self.error: Exception | None = None
        self.pings = 0

    async def get_many(self, keys: Sequence[LinkKey]) -> list[Link | None]:
        """Answer from memory."""
        self.lookups.append(list(keys))
        if self.error:
            raise self.error
        return [self.links.get(key) for key in keys]

    async def set_if_newer(self, entries: Iterable[tuple[LinkKey, Link]]) -> int:
        """Keep what is newer."""
        if self.error:
            raise self.error
        stored = 0
        for key, link in entries:
            if key not in self.links or self.links[key].version < link.version:
                self.links[key] = link
                stored += 1
        return stored

    async def ping(self) -> None:
        """Answer unless failing."""
        self.pings += 1
        if self.error:
            raise self.error


class FakeStore:
    """PostgreSQL as the resolver sees it."""

    def __init__(self, links: dict[LinkKey, Link] | None = None) -> None:
        self.links = dict(links or {})
        self.reads: list[list[LinkKey]] = []
        self.error: Exception | None = None

    async def find_many(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
        """Answer from memory."""
        self.reads.append(list(keys))
        if self.error:
            raise self.error
        return {key: self.links[key] for key in keys if key in self.links}

    async def ping(self) -> None:
        """Answer unless failing."""
        if self.error:
            raise self.error
