"""Links in PostgreSQL: found, created, edited and deleted, each change in one transaction."""

from collections.abc import Callable, Sequence

from sqlalchemy import bindparam, exists, select
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.schema import domains
from shared.link import unknown_link
from shared.link_cache import LinkKey
from shared.redirect_rule import RedirectRule
from shortener.code_generator import Draw, draw_codes
from shortener.link_change import find_link, was_created, was_deleted
from shortener.link_creation import create_link
from shortener.link_deletion import delete_link
from shortener.link_edit import edit_link
from shortener.link_outbox import LinkOutbox
from shortener.link_rules import set_rules
from shortener.link_scope import EVERYTHING, LinkScope
from shortener.short_url_body import ShortUrlCreation, ShortUrlEdit
from shortener.stored_link import StoredLink, cached_link
from shortener.transactions import read, write

_IS_OWN_DOMAIN = select(exists().where(domains.c.authority == bindparam("wanted")))


class LinkStore:
    """All changes go through here, so none is committed without the cache hearing of it.

    Every method raises `DatabaseUnavailableError` when PostgreSQL is away; nothing is written
    then, unless its text says that this is not known.
    """

    def __init__(
        self,
        *,
        engine: AsyncEngine,
        outbox: LinkOutbox,
        count_collision: Callable[[], object],
        deletion_threshold: int | None,
        draw: Draw = draw_codes,
    ) -> None:
        self._engine = engine
        self._reading_engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._outbox = outbox
        self._count_collision = count_collision
        self._deletion_threshold = deletion_threshold
        self._draw = draw

    async def find(self, key: LinkKey, scope: LinkScope = EVERYTHING) -> StoredLink:
        """Return the link, if it is in the scope.

        Raises:
            LinkNotFoundError: there is none.
        """
        return await read(self._reading_engine, lambda on: find_link(on, key, scope))

    async def is_own_domain(self, authority: str) -> bool:
        """Tell whether links were made for that domain, so that a link to it may be a loop."""
        parameters = {"wanted": authority}
        result = await read(
            self._reading_engine, lambda on: on.execute(_IS_OWN_DOMAIN, parameters)
        )
        return bool(result.scalar_one())

    async def create(
        self, creation: ShortUrlCreation, created_by: int, scope: LinkScope = EVERYTHING
    ) -> StoredLink:
        """Create the link, or return the one that `find_if_exists` finds.

        Never repeated blindly: where the connection is lost during COMMIT, the row is looked for.

        Raises:
            ShortCodeTakenError: the custom slug belongs to another link.
            NoFreeCodeError: no random code was free.
        """
        change = await write(
            self._engine,
            lambda on: create_link(
                on, creation, created_by, self._draw, self._count_collision, scope
            ),
            was_created,
        )
        if change.entry is not None:
            await self._outbox.apply(change.entry, cached_link(change.link))
        return change.link

    async def edit(
        self, key: LinkKey, edit: ShortUrlEdit, scope: LinkScope = EVERYTHING
    ) -> StoredLink:
        """Change what `edit` gives; may be repeated, as that changes nothing more.

        Raises:
            LinkNotFoundError: there is no such link.
            ValidityOrderError: it would end before it begins.
        """
        change = await write(self._engine, lambda on: edit_link(on, key, edit, scope))
        if change.entry is not None:
            await self._outbox.apply(change.entry, cached_link(change.link))
        return change.link

    async def set_rules(
        self, key: LinkKey, rules: Sequence[RedirectRule], scope: LinkScope = EVERYTHING
    ) -> StoredLink:
        """Replace the link's redirect rules by others; may be repeated likewise.

        Raises:
            LinkNotFoundError: there is no such link.
        """
        change = await write(self._engine, lambda on: set_rules(on, key, rules, scope))
        if change.entry is not None:
            await self._outbox.apply(change.entry, cached_link(change.link))
        return change.link

    async def delete(self, key: LinkKey, scope: LinkScope = EVERYTHING) -> None:
        """Delete the link.

        Raises:
            LinkNotFoundError: there is no such link.
            TooManyVisitsError: it has too many visits.
        """
        change = await write(
            self._engine,
            lambda on: delete_link(on, key, self._deletion_threshold, scope),
            was_deleted,
        )
        if change.entry is not None:
            await self._outbox.apply(change.entry, unknown_link(change.entry.version))
