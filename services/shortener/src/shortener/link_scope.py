"""Which links a key of the API may see: a key sees no trace of the others, in any answer."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, cast, or_

from shared.db.schema import links
from shared.link_cache import LinkKey

OF_AUTHOR = or_(
    cast(bindparam("author"), BigInteger).is_(None), links.c.created_by == bindparam("author")
)
"""For statements made once: parameter `author` is the scope's `created_by`."""

WITHIN = (
    OF_AUTHOR,
    or_(
        cast(bindparam("only_domain"), Text).is_(None), links.c.domain == bindparam("only_domain")
    ),
)
"""The whole scope for such statements: their parameters are its `parameters`."""


@dataclass(frozen=True, slots=True)
class LinkScope:
    """Links by one author, or of one domain, or both; without either, all."""

    created_by: int | None = None
    domain: str | None = None
    """'' for the default domain, None for every domain."""

    @property
    def is_everything(self) -> bool:
        """Tell whether nothing is hidden."""
        return self.created_by is None and self.domain is None

    def includes_domain(self, domain: str) -> bool:
        """Tell whether any link of that domain may be seen."""
        return self.domain is None or self.domain == domain

    def includes(self, key: LinkKey) -> bool:
        """Tell whether the link may be seen, as far as its key says."""
        return self.includes_domain(key[0])

    @property
    def parameters(self) -> dict[str, object]:
        """What `WITHIN` needs."""
        return {"author": self.created_by, "only_domain": self.domain}

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yield what must be true of `links`."""
        if self.created_by is not None:
            yield links.c.created_by == self.created_by
        if self.domain is not None:
            yield links.c.domain == self.domain


EVERYTHING = LinkScope()
