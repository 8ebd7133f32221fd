"""Creating a link or editing the one that has its slug, in the transaction that it is given."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from shortener.advisory_locks import lock_codes
from shortener.audit_log import Author
from shortener.code_generator import Draw
from shortener.link_change import (
    LinkChange,
    LinkChangedError,
    LinkNotFoundError,
    Versions,
    find_link,
)
from shortener.link_creation import create_link
from shortener.link_edit import edit_link
from shortener.link_insertion import create_domains
from shortener.short_url_body import ShortUrlCreation, ShortUrlEdit


@dataclass(frozen=True, slots=True)
class Upsert:
    """What was done, and the change."""

    outcome: Literal["created", "edited"]
    change: LinkChange


async def upsert_link(
    connection: AsyncConnection,
    creation: ShortUrlCreation,
    edit: ShortUrlEdit,
    author: Author,
    draw: Draw,
    count_collision: Callable[[], object],
    versions: Versions = None,
) -> Upsert:
    """Edit the link that has the slug of `creation`, or create it.

    `versions` are those of the link that may be edited; none at all if it must be new.

    Raises:
        LinkChangedError | ValidityOrderError | ShortCodeTakenError: nothing is changed; the last
            if the slug belongs to a link that the author may not see.
    """
    key = (creation.domain, creation.custom_slug or "")
    await create_domains(connection, [creation.domain])
    await lock_codes(connection, [key])
    try:
        await find_link(connection, key, author.scope, to_change=True)
    except LinkNotFoundError:
        if versions:
            raise LinkChangedError from None
        # Its slug says which link is meant: one that is like it is not looked for.
        new = replace(creation, find_if_exists=False)
        change = await create_link(connection, new, author, draw, count_collision)
        return Upsert("created", change)
    return Upsert("edited", await edit_link(connection, key, edit, author, versions))
