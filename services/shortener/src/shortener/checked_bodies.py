"""Bodies of links, checked in full: each field by itself, then what only the database knows."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from shortener.blocked_domains import Blocks
from shortener.link_insertion import NewLink
from shortener.link_scope import LinkScope
from shortener.problems import Problem
from shortener.request_fields import Fields, given
from shortener.short_url_body import BodyReader, ShortUrlCreation, ShortUrlEdit
from shortener.tag_names import odd_names
from shortener.url_policy import LongUrl, leads_back, leads_to_blocked

T = TypeVar("T")

MAX_VISITS = 10**12
"""That a link may bring along: the sums of a million such links are still numbers of 64 bits."""

OwnDomains = Callable[[Collection[str]], Awaitable[set[str]]]
"""Tells which of these domains links were made for, so that a link to them may be a loop."""

KnownTags = Callable[[Collection[str]], Awaitable[set[str]]]
"""Tells which of these names tags have."""


Refuse = Callable[[Fields, LongUrl], None]


@dataclass(frozen=True, slots=True)
class CheckedBody(Generic[T]):
    """One body: what it says, and what is wrong with it."""

    read: T
    malformed: Problem | None
    """What is wrong with the body, on any day."""
    refused: Problem | None
    """Why its long URL is refused, which is today's answer, where nothing else is wrong."""

    @property
    def problem(self) -> Problem | None:
        """Either."""
        return self.malformed or self.refused


class CheckedBodies:
    """Reads bodies; however many at once, the database is asked once.

    Where the scope is that of one domain, links are created in it, whatever their bodies say.
    """

    def __init__(
        self,
        bodies: BodyReader,
        *,
        own_domains: OwnDomains,
        known_tags: KnownTags,
        blocks: Blocks,
    ) -> None:
        self._bodies = bodies
        self._own_domains = own_domains
        self._known_tags = known_tags
        self._blocks = blocks

    async def creation(self, content: Mapping[str, object], scope: LinkScope) -> ShortUrlCreation:
        """Read the body of a creation.

        Raises:
            Problem: some of its fields are bad.
        """
        (body,) = await self.creations([content], scope)
        if body.problem is not None:
            raise body.problem
        return body.read

    async def creations(
        self, contents: Sequence[Mapping[str, object]], scope: LinkScope
    ) -> list[CheckedBody[ShortUrlCreation]]:
        """Read many."""
        return await self._read_many(contents, scope, BodyReader.creation, lambda read: read)

    async def imported(
        self, contents: Sequence[Mapping[str, object]], scope: LinkScope
    ) -> list[NewLink | Problem]:
        """Read many links from elsewhere, with their past; a bad one's problem stands for it."""
        bodies = await self._read_many(contents, scope, _imported, lambda read: read.creation)
        return [body.problem or body.read for body in bodies]

    async def _read_many(
        self,
        contents: Sequence[Mapping[str, object]],
        scope: LinkScope,
        read: Callable[[BodyReader, Fields], T],
        creation_of: Callable[[T], ShortUrlCreation],
    ) -> list[CheckedBody[T]]:
        fields = [Fields(_placed(content, scope)) for content in contents]
        reader = await self._reader(contents)
        found = [read(reader, each) for each in fields]
        long_urls = [creation_of(each).long_url for each in found]
        refuse = await self._refusal(long_urls)
        return [_checked(*each, refuse) for each in zip(fields, found, long_urls, strict=True)]

    async def edit(self, content: dict[str, object]) -> ShortUrlEdit:
        """Read the body of an edit.

        Raises:
            Problem: some of its fields are bad.
        """
        fields = Fields(content)
        edit = (await self._reader([content])).edit(fields)
        if isinstance(edit.long_url, LongUrl):
            (await self._refusal([edit.long_url]))(fields, edit.long_url)
        fields.raise_if_refused()
        return edit

    async def upsert(
        self, content: Mapping[str, object], scope: LinkScope
    ) -> tuple[ShortUrlCreation, ShortUrlEdit]:
        """Read a body that creates or edits, whichever it will be; it must name the link.

        Raises:
            Problem: some of its fields are bad.
        """
        fields = Fields(_placed(content, scope))
        reader = await self._reader([content])
        creation, edit = reader.creation(fields), reader.edit(fields)
        if creation.custom_slug is None:
            fields.refuse("customSlug", "is required")
        (await self._refusal([creation.long_url]))(fields, creation.long_url)
        fields.raise_if_refused()
        return creation, edit

    async def _reader(self, contents: Sequence[Mapping[str, object]]) -> BodyReader:
        """Return what reads these bodies, whose tags may be some that were renamed."""
        odd = {name for content in contents for name in odd_names(content.get("tags"))}
        return replace(self._bodies, renamed_tags=await self._known_tags(odd))

    async def _refusal(self, long_urls: Sequence[LongUrl]) -> Refuse:
        """Return what refuses a long URL to a domain of short URLs, or to a blocked one."""
        authorities = {long_url.authority for long_url in long_urls if long_url.authority}
        own = await self._own_domains(authorities) if authorities else set()
        blocks = await self._blocks([each.href for each in long_urls if each.authority])

        def refuse(fields: Fields, long_url: LongUrl) -> None:
            if long_url.authority in own:
                fields.refuse("longUrl", leads_back(long_url.authority))
            elif block := blocks.get(long_url.href):
                fields.refuse("longUrl", leads_to_blocked(block.domain, block.reason))

        return refuse


def _imported(bodies: BodyReader, fields: Fields) -> NewLink:
    creation = bodies.creation(fields)
    slug = fields.text("customSlug")
    if isinstance(slug, str) and creation.custom_slug != slug:
        # Another code would be another link: whoever has the old one would not find it.
        fields.refuse("customSlug", "has a space or a slash, which codes here cannot have")
    created_at = fields.moment("dateCreated")
    visits = given(fields.integer("visits", 0, MAX_VISITS), 0)
    bots = given(fields.integer("botVisits", 0, MAX_VISITS), 0)
    return NewLink(
        creation=creation,
        created_at=given(created_at, None),
        imported_visits=visits,
        imported_bot_visits=min(bots, visits),
    )


def _checked(fields: Fields, read: T, long_url: LongUrl, refuse: Refuse) -> CheckedBody[T]:
    is_malformed = _problem_of(fields) is not None
    refuse(fields, long_url)
    problem = _problem_of(fields)  # tells of both
    return CheckedBody(read, problem, None) if is_malformed else CheckedBody(read, None, problem)


def _problem_of(fields: Fields) -> Problem | None:
    try:
        fields.raise_if_refused()
    except Problem as problem:
        return problem
    return None


def _placed(content: Mapping[str, object], scope: LinkScope) -> Mapping[str, object]:
    return content if scope.domain is None else {**content, "domain": scope.domain}
