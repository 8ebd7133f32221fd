"""Deleting a link, in the transaction that it is given."""

from sqlalchemy import bindparam, delete
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.schema import link_version, links
from shared.link_cache import LinkKey
from shortener.link_change import LinkChange, find_link, lock_code
from shortener.link_outbox import note_change
from shortener.link_scope import EVERYTHING, LinkScope

_DELETE = (
    delete(links).where(links.c.id == bindparam("link_id")).returning(link_version.next_value())
)


class TooManyVisitsError(Exception):
    """The link has reached the number of visits that protects it from deletion."""


async def delete_link(
    connection: AsyncConnection,
    key: LinkKey,
    threshold: int | None,
    scope: LinkScope = EVERYTHING,
) -> LinkChange:
    """Delete the link; the version of its tombstone is in the outbox entry.

    Its clicks stay: they are history, and the ids of links are never used again.

    Raises:
        LinkNotFoundError | TooManyVisitsError: nothing is changed.
    """
    await lock_code(connection, key)
    link = await find_link(connection, key, scope, to_change=True)
    if threshold is not None and link.visits >= threshold:
        raise TooManyVisitsError
    version = (await connection.execute(_DELETE, {"link_id": link.id})).scalar_one()
    return LinkChange(link, await note_change(connection, key, version))
