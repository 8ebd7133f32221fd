"""Domains in PostgreSQL, and where each sends visitors whom it has no link for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.dialects.postgresql import insert as insert_or_update
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.schema import domains, links
from shortener.link_scope import EVERYTHING, LinkScope
from shortener.transactions import read, write

REDIRECTS = ("base_url_redirect", "regular_404_redirect", "invalid_short_url_redirect")
_REDIRECT_COLUMNS = tuple(domains.c[name] for name in REDIRECTS)


class DomainNotFoundError(Exception):
    """There is no such domain in the scope."""


@dataclass(frozen=True, slots=True)
class StoredDomain:
    """A domain ('' for the default one) and its redirects; without one, those of the default."""

    authority: str
    base_url_redirect: str | None = None
    regular_404_redirect: str | None = None
    invalid_short_url_redirect: str | None = None


class DomainStore:
    """Raises `DatabaseUnavailableError` when PostgreSQL is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading_engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def list(self, scope: LinkScope = EVERYTHING) -> Sequence[StoredDomain]:
        """Return the default domain, if the scope has it, then those that are in use, by name."""
        in_use = [_has_links(scope)]
        if scope.created_by is None:
            in_use += [column.is_not(None) for column in _REDIRECT_COLUMNS]
        statement = (
            select(domains.c.authority, *_REDIRECT_COLUMNS)
            .where(or_(domains.c.authority == "", *in_use))
            .order_by(domains.c.authority)
        )
        rows = await read(self._reading_engine, lambda on: on.execute(statement))
        found = {row.authority: StoredDomain(*row) for row in rows}
        default = found.pop("", StoredDomain(""))
        return [one for one in (default, *found.values()) if scope.includes_domain(one.authority)]

    async def change_redirects(
        self, authority: str, changes: Mapping[str, str | None], scope: LinkScope = EVERYTHING
    ) -> StoredDomain:
        """Change some of `REDIRECTS`, of a domain that there need not be before.

        Raises:
            DomainNotFoundError: the scope has no links of that domain, or never can have any.
        """
        if not scope.includes_domain(authority) or not await self._is_seen(authority, scope):
            raise DomainNotFoundError
        statement = (
            insert_or_update(domains)
            .values(authority=authority, **changes)
            .on_conflict_do_update(
                index_elements=[domains.c.authority],
                set_={"authority": domains.c.authority, **changes},
            )
            .returning(domains.c.authority, *_REDIRECT_COLUMNS)
        )
        result = await write(self._engine, lambda on: on.execute(statement))
        return StoredDomain(*result.one())

    async def _is_seen(self, authority: str, scope: LinkScope) -> bool:
        if scope.created_by is None:
            return True
        statement = select(exists().where(links.c.domain == authority, *scope.conditions()))
        result = await read(self._reading_engine, lambda on: on.execute(statement))
        return bool(result.scalar_one())


def _has_links(scope: LinkScope) -> ColumnElement[bool]:
    """Tell of `domains` whether the scope has links there."""
    if scope.created_by is not None:
        return domains.c.authority.in_(select(links.c.domain).where(*scope.conditions()))
    # The next domain that has links is one step in an index. Asked whether any link has this
    # domain, PostgreSQL expects to meet one soon, and for a domain without looks at all of them.
    next_domain = (
        select(links.c.domain)
        .where(links.c.domain >= domains.c.authority)
        .order_by(links.c.domain, links.c.short_code)
        .limit(1)
        .scalar_subquery()
    )
    return next_domain == domains.c.authority
