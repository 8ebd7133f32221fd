"""Links in PostgreSQL: found, created, edited and deleted, each change in one transaction."""

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from sqlalchemy import Select, Text, any_, bindparam, cast, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db.schema import domains, tags
from shared.link import unknown_link
from shared.link_cache import LinkKey
from shared.redirect_rule import RedirectRule
from shortener.audit_log import Author
from shortener.code_generator import Draw, draw_codes
from shortener.idempotency import Answer, Done, Once, do_once, find_answer
from shortener.imported_links import ImportResult, import_chunk
from shortener.link_batch import BatchResult, create_chunk
from shortener.link_change import (
    LinkChange,
    Versions,
    find_link,
    is_version_there,
    was_created,
    was_deleted,
)
from shortener.link_creation import create_link
from shortener.link_deletion import delete_link
from shortener.link_edit import edit_link
from shortener.link_insertion import NewLink
from shortener.link_outbox import LinkOutbox
from shortener.link_rules import set_rules
from shortener.link_scope import EVERYTHING, LinkScope
from shortener.link_upsert import Upsert, upsert_link
from shortener.short_url_body import ShortUrlCreation, ShortUrlEdit
from shortener.stored_link import StoredLink, cached_link
from shortener.transactions import WasDone, read, write

T = TypeVar("T")

_OWN_DOMAINS = select(domains.c.authority).where(
    domains.c.authority == any_(cast(bindparam("wanted"), ARRAY(Text)))
)
_KNOWN_TAGS = select(tags.c.name).where(
    tags.c.name == any_(cast(bindparam("wanted"), ARRAY(Text)))
)


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

    async def own_domains(self, authorities: Collection[str]) -> set[str]:
        """Return those of the domains that links were made for."""
        return await self._known(_OWN_DOMAINS, authorities)

    async def known_tags(self, names: Collection[str]) -> set[str]:
        """Return those of the names that tags have."""
        return await self._known(_KNOWN_TAGS, names)

    async def _known(self, query: Select[str], wanted: Collection[str]) -> set[str]:
        if not wanted:
            return set()
        parameters = {"wanted": list(wanted)}
        result = await read(self._reading_engine, lambda on: on.execute(query, parameters))
        return set(result.scalars())

    async def find_answer(self, once: Once | None) -> Answer | None:
        """Return what a request was answered that was carried out before.

        To be asked before what may be another day's decision: whether its long URL is welcome.

        Raises:
            KeyReusedError: the idempotency key belongs to another request.
        """
        if once is None:
            return None
        return await read(self._reading_engine, lambda on: find_answer(on, once))

    async def create(
        self,
        creation: ShortUrlCreation,
        author: Author,
        answer_of: Callable[[LinkChange], Answer],
        once: Once | None = None,
    ) -> Done[LinkChange]:
        """Create the link, or return the one that `find_if_exists` finds.

        Never repeated blindly: where the connection is lost during COMMIT, the row is looked for.

        Raises:
            ShortCodeTakenError: the custom slug belongs to another link.
            NoFreeCodeError: no random code was free.
            KeyReusedError: the idempotency key belongs to another request.
        """

        async def work(on: AsyncConnection) -> LinkChange:
            return await create_link(on, creation, author, self._draw, self._count_collision)

        done = await write(
            self._engine, lambda on: do_once(on, once, work, answer_of), _asking(was_created, once)
        )
        await self._apply(done.result)
        return done

    async def create_many(
        self,
        creations: Sequence[ShortUrlCreation],
        author: Author,
        answer_of: Callable[[Sequence[BatchResult]], Answer],
        once: Once | None = None,
    ) -> Done[list[BatchResult]]:
        """Create the links of one chunk in one transaction, or find those that exist.

        Raises:
            KeyReusedError: the idempotency key belongs to another request.
        """

        async def work(on: AsyncConnection) -> list[BatchResult]:
            return await create_chunk(on, creations, author, self._draw, self._count_collision)

        async def were_created(on: AsyncConnection, results: list[BatchResult]) -> bool:
            made = [result.change for result in results if result.outcome == "created"]
            return not made or (made[0] is not None and await was_created(on, made[0]))

        done = await write(
            self._engine,
            lambda on: do_once(on, once, work, answer_of),
            _asking(were_created, once),
        )
        await self._apply(*(result.change for result in done.result or ()))
        return done

    async def import_many(self, new: Sequence[NewLink], author: Author) -> list[ImportResult]:
        """Take over the links of one chunk in one transaction; may be repeated."""

        async def work(on: AsyncConnection) -> list[ImportResult]:
            return await import_chunk(on, new, author, self._draw, self._count_collision)

        results = await write(self._engine, work)
        await self._apply(*(result.change for result in results))
        return results

    async def upsert(
        self,
        creation: ShortUrlCreation,
        edit: ShortUrlEdit,
        author: Author,
        answer_of: Callable[[Upsert], Answer],
        once: Once | None = None,
        versions: Versions = None,
    ) -> Done[Upsert]:
        """Create the link, or edit the one that has its slug.

        Raises:
            LinkChangedError: it has none of the versions.
            ValidityOrderError: it would end before it begins.
            KeyReusedError: the idempotency key belongs to another request.
        """

        async def work(on: AsyncConnection) -> Upsert:
            return await upsert_link(
                on, creation, edit, author, self._draw, self._count_collision, versions
            )

        async def was_upserted(on: AsyncConnection, upsert: Upsert) -> bool:
            return await is_version_there(on, upsert.change)

        done = await write(
            self._engine,
            lambda on: do_once(on, once, work, answer_of),
            _asking(was_upserted, once),
        )
        await self._apply(done.result.change if done.result is not None else None)
        return done

    async def edit(
        self, key: LinkKey, edit: ShortUrlEdit, author: Author, versions: Versions = None
    ) -> StoredLink:
        """Change what `edit` gives.

        Raises:
            LinkNotFoundError: there is no such link.
            LinkChangedError: it has none of the versions.
            ValidityOrderError: it would end before it begins.
        """
        change = await write(
            self._engine,
            lambda on: edit_link(on, key, edit, author, versions),
            is_version_there,
        )
        await self._apply(change)
        return change.link

    async def set_rules(
        self, key: LinkKey, rules: Sequence[RedirectRule], author: Author
    ) -> StoredLink:
        """Replace the link's redirect rules by others; may be repeated, which changes nothing.

        Raises:
            LinkNotFoundError: there is no such link.
        """
        change = await write(self._engine, lambda on: set_rules(on, key, rules, author))
        await self._apply(change)
        return change.link

    async def delete(self, key: LinkKey, author: Author, versions: Versions = None) -> None:
        """Delete the link.

        Raises:
            LinkNotFoundError: there is no such link.
            LinkChangedError: it has none of the versions.
            TooManyVisitsError: it has too many visits.
        """
        change = await write(
            self._engine,
            lambda on: delete_link(on, key, author, self._deletion_threshold, versions),
            was_deleted,
        )
        if change.entry is not None:
            await self._outbox.apply((change.entry, unknown_link(change.entry.version)))

    async def _apply(self, *changes: LinkChange | None) -> None:
        """Bring to the cache what really changed."""
        await self._outbox.apply(
            *(
                (change.entry, cached_link(change.link))
                for change in changes
                if change is not None and change.entry is not None
            )
        )


def _asking(was_done: WasDone[T], once: Once | None) -> WasDone[Done[T]] | None:
    """Return what asks whether the work was done, if repeating it could do it twice."""
    if once is not None:
        return None

    async def ask(on: AsyncConnection, done: Done[T]) -> bool:
        return done.result is not None and await was_done(on, done.result)

    return ask
