"""Deleting a link, in the transaction that it is given."""

from sqlalchemy import bindparam, delete
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.schema import link_version, links
from shared.link_cache import LinkKey
from shortener.advisory_locks import lock_codes
from shortener.audit_log import Author, link_entry, note_entries
from shortener.link_change import LinkChange, Versions, check_version, find_link
from shortener.link_outbox import note_change

_DELETE = (
    delete(links).where(links.c.id == bindparam("link_id")).returning(link_version.next_value())
)


class TooManyVisitsError(Exception):
    """The link has reached the number of visits, `threshold`, that protects it from deletion."""

    def __init__(self, key: LinkKey, threshold: int) -> None:
        super().__init__(key, threshold)
        self.key = key
        self.threshold = threshold


async def delete_link(
    connection: AsyncConnection,
    key: LinkKey,
    author: Author,
    threshold: int | None,
    versions: Versions = None,
) -> LinkChange:
    """Delete the link; the version of its tombstone is in the outbox entry.

    Its clicks stay: they are history, and the ids of links are never used again.

    Raises:
        LinkNotFoundError | LinkChangedError | TooManyVisitsError: nothing is changed.
    """
    await lock_codes(connection, [key])
    link = await find_link(connection, key, author.scope, to_change=True)
    check_version(link, versions)
    if threshold is not None and link.visits >= threshold:
        raise TooManyVisitsError(key, threshold)
    version = (await connection.execute(_DELETE, {"link_id": link.id})).scalar_one()
    await note_entries(connection, author, [link_entry("link_deleted", key, link, None)])
    return LinkChange(link, await note_change(connection, key, version))
