"""The JSON object that stands for a link in every answer of the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from shortener.stored_link import StoredLink


class VisitsSummary(msgspec.Struct, frozen=True, rename="camel"):
    """Clicks, told apart by who clicked."""

    total: int
    non_bots: int
    bots: int


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    """When and how often a short URL works."""

    valid_since: str | None
    valid_until: str | None
    max_visits: int | None


class ShortUrl(msgspec.Struct, frozen=True, rename="camel"):
    """A short URL; all members are always there but the last, which is only of links that are
    down: the blocked domain that they lead to."""

    short_code: str
    short_url: str
    long_url: str
    date_created: str
    visits_summary: VisitsSummary
    tags: Sequence[str]
    meta: Meta
    domain: str | None
    title: str | None
    crawlable: bool
    forward_query: bool
    has_redirect_rules: bool
    blocked_by: str | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class ShortUrlPresenter:
    """Makes short URLs of links: only this knows what the default domain is called."""

    default_domain: str
    public_scheme: str

    def present(self, link: StoredLink) -> ShortUrl:
        """Make the JSON object; the short code is in it as it is, not percent-encoded."""
        authority = link.domain or self.default_domain
        return ShortUrl(
            short_code=link.short_code,
            short_url=f"{self.public_scheme}://{authority}/{link.short_code}",
            long_url=link.long_url,
            date_created=_atom(link.created_at),
            visits_summary=VisitsSummary(
                total=link.visits,
                non_bots=link.non_bot_visits,
                bots=link.visits - link.non_bot_visits,
            ),
            tags=link.tags,
            meta=Meta(
                valid_since=_atom_or_none(link.valid_since),
                valid_until=_atom_or_none(link.valid_until),
                max_visits=link.max_visits,
            ),
            domain=link.domain or None,
            title=link.title,
            crawlable=link.crawlable,
            forward_query=link.forward_query,
            has_redirect_rules=link.rules is not None,
            blocked_by=link.blocked_by or msgspec.UNSET,
        )


def _atom(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _atom_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else _atom(moment)
