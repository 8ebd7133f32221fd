"""A link as the redirect path sees it: where it leads, from when, until when, how often.

The struct is also the cache's value, so a field is added at the end and with a default, and a
change of meaning needs a new `link_cache.SCHEMA`.
"""

import enum
from datetime import UTC, datetime, timedelta

import msgspec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_BLOCKED_ID = -1


class Outcome(enum.Enum):
    """What a redirect request found; the values are the labels of the metric."""

    REDIRECT = "redirect"
    UNKNOWN = "unknown"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    EXHAUSTED = "exhausted"
    BLOCKED = "blocked"
    UNAVAILABLE = "unavailable"
    OVERLOADED = "overloaded"
    FAILED = "failed"
    SCANNING = "scanning"


class Link(msgspec.Struct, frozen=True, array_like=True):
    """One stored link. `link_id` 0 stands for "no such link" (a negative entry or tombstone),
    a negative one for a link that is down because its destination is blocked.

    `version` comes from one database sequence and grows with every change of any link, so of two
    states of one link the higher version is the later one, across deletion and re-creation too.
    """

    version: int
    link_id: int
    location: str = ""
    """The long URL, ASCII, as it goes into the Location header."""
    valid_since_ms: int | None = None
    valid_until_ms: int | None = None
    has_visit_limit: bool = False
    forward_query: bool = True
    rules: str = ""
    """Redirect rules as `shared.redirect_rule` encodes them; empty for nearly every link, and
    kept as text, so that a link without rules costs nothing more to read."""

    @property
    def is_known(self) -> bool:
        """Whether there is such a link at all."""
        return self.link_id != 0

    def decide(self, now_ms: int) -> Outcome:
        """Tell what this link answers at `now_ms` (Unix); its visit limit is taken elsewhere."""
        if self.link_id <= 0:
            return Outcome.BLOCKED if self.link_id else Outcome.UNKNOWN
        if self.valid_since_ms is not None and now_ms < self.valid_since_ms:
            return Outcome.NOT_YET_VALID
        if self.valid_until_ms is not None and now_ms > self.valid_until_ms:
            return Outcome.EXPIRED
        return Outcome.REDIRECT


def link_of_row(
    *,
    version: int,
    link_id: int,
    long_url: str,
    valid_since: datetime | None,
    valid_until: datetime | None,
    max_visits: int | None,
    forward_query: bool,
    rules: str | None,
    is_blocked: bool,
) -> Link:
    """Make the link of a row of `links`: the one way from the table to the cache."""
    if is_blocked:
        # A redirector that does not know of blocked links takes it for one that has expired.
        return Link(version=version, link_id=_BLOCKED_ID, valid_until_ms=0)
    return Link(
        version=version,
        link_id=link_id,
        location=long_url,
        valid_since_ms=_to_ms(valid_since),
        valid_until_ms=_to_ms(valid_until),
        has_visit_limit=max_visits is not None,
        forward_query=forward_query,
        rules=rules or "",
    )


def _to_ms(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MILLISECOND


def unknown_link(version: int = 0) -> Link:
    """Make a negative entry (version 0, older than any link) or the tombstone of a deletion."""
    return Link(version=version, link_id=0)
