"""Bodies of links, checked in full: each field by itself, then what only the database knows."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from shortener.problems import Problem
from shortener.request_fields import Fields
from shortener.short_url_body import (
    BodyReader,
    ShortUrlCreation,
    ShortUrlEdit,
    refuse_own_domain,
)
from shortener.url_policy import LongUrl

OwnDomains = Callable[[Collection[str]], Awaitable[set[str]]]
"""Tells which of these domains links were made for, so that a link to them may be a loop."""


class CheckedBodies:
    """Reads bodies; however many at once, the database is asked once."""

    def __init__(self, bodies: BodyReader, own_domains: OwnDomains) -> None:
        self._bodies = bodies
        self._own_domains = own_domains

    async def creation(self, content: dict[str, object]) -> ShortUrlCreation:
        """Read the body of a creation.

        Raises:
            Problem: some of its fields are bad.
        """
        (creation,) = await self.creations([content])
        if isinstance(creation, Problem):
            raise creation
        return creation

    async def creations(
        self, contents: Sequence[dict[str, object]]
    ) -> list[ShortUrlCreation | Problem]:
        """Read many; a bad one's problem stands in its place."""
        fields = [Fields(content) for content in contents]
        read = [self._bodies.creation(each) for each in fields]
        own = await self._own([creation.long_url for creation in read])
        return [
            _checked(each, creation, creation.long_url, own)
            for each, creation in zip(fields, read, strict=True)
        ]

    async def edit(self, content: dict[str, object]) -> ShortUrlEdit:
        """Read the body of an edit.

        Raises:
            Problem: some of its fields are bad.
        """
        fields = Fields(content)
        edit = self._bodies.edit(fields)
        if isinstance(edit.long_url, LongUrl):
            own = await self._own([edit.long_url])
            _refuse_own(fields, edit.long_url, own)
        fields.raise_if_refused()
        return edit

    async def upsert(self, content: dict[str, object]) -> tuple[ShortUrlCreation, ShortUrlEdit]:
        """Read a body that creates or edits, whichever it will be; it must name the link.

        Raises:
            Problem: some of its fields are bad.
        """
        fields = Fields(content)
        creation, edit = self._bodies.creation(fields), self._bodies.edit(fields)
        if creation.custom_slug is None:
            fields.refuse("customSlug", "is required")
        _refuse_own(fields, creation.long_url, await self._own([creation.long_url]))
        fields.raise_if_refused()
        return creation, edit

    async def _own(self, long_urls: Sequence[LongUrl]) -> set[str]:
        authorities = {long_url.authority for long_url in long_urls if long_url.authority}
        return await self._own_domains(authorities) if authorities else set()


def _checked(
    fields: Fields, creation: ShortUrlCreation, long_url: LongUrl, own: set[str]
) -> ShortUrlCreation | Problem:
    _refuse_own(fields, long_url, own)
    try:
        fields.raise_if_refused()
    except Problem as problem:
        return problem
    return creation


def _refuse_own(fields: Fields, long_url: LongUrl, own: set[str]) -> None:
    if long_url.authority in own:
        refuse_own_domain(fields, long_url)
