"""Editing a link, in the transaction that it is given."""

from datetime import datetime
from typing import Any

from msgspec import UNSET
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.schema import link_version, links
from shared.link_cache import LinkKey
from shortener.audit_log import Author, link_entry, note_entries
from shortener.link_change import (
    LinkChange,
    Versions,
    blocking_domain,
    check_version,
    find_link,
    hash_long_url,
)
from shortener.link_outbox import note_change
from shortener.link_tags import add_tags, remove_tags
from shortener.short_url_body import ShortUrlEdit
from shortener.stored_link import StoredLink


class ValidityOrderError(Exception):
    """The edited link would end before it begins."""


async def edit_link(
    connection: AsyncConnection,
    key: LinkKey,
    edit: ShortUrlEdit,
    author: Author,
    versions: Versions = None,
) -> LinkChange:
    """Change what `edit` gives; doing it twice leads to the same link.

    Raises:
        LinkNotFoundError | LinkChangedError | ValidityOrderError: nothing is changed.
    """
    before = await find_link(connection, key, author.scope, to_change=True)
    check_version(before, versions)
    values = _changes(before, edit)
    if not values and edit.tags is UNSET:
        return LinkChange(before, None)
    _check_order(before, values)
    statement = (
        update(links)
        .where(links.c.id == before.id)
        .values(**values, version=link_version.next_value())
        .returning(links.c.version)
    )
    version = (await connection.execute(statement)).scalar_one()
    if edit.tags is not UNSET:
        await remove_tags(connection, before.id)
        await add_tags(connection, before.id, edit.tags)
    entry = await note_change(connection, key, version)
    after = await find_link(connection, key)
    await note_entries(connection, author, [link_entry("link_edited", key, before, after)])
    return LinkChange(after, entry)


def _changes(before: StoredLink, edit: ShortUrlEdit) -> dict[str, Any]:
    values: dict[str, Any] = {
        "title": edit.title,
        "valid_since": edit.valid_since,
        "valid_until": edit.valid_until,
        "max_visits": edit.max_visits,
        "crawlable": edit.crawlable,
        "forward_query": edit.forward_query,
    }
    if edit.long_url is not UNSET:
        values["long_url"] = edit.long_url.href
        values["long_url_hash"] = hash_long_url(edit.long_url.href)
        values["blocked_by"] = blocking_domain(values["long_url"], links.c.rules)
    if edit.max_visits is not UNSET:
        values["visits_left"] = visits_left(before, edit.max_visits)
    return {name: value for name, value in values.items() if value is not UNSET}


def visits_left(before: StoredLink, max_visits: int | None) -> int | None:
    """Carry over what was taken from the old limit; without one, what people have clicked."""
    if max_visits is None:
        return None
    if before.max_visits is None or before.visits_left is None:
        taken = before.non_bot_visits
    else:
        taken = before.max_visits - before.visits_left
    return max(0, max_visits - taken)


def _check_order(before: StoredLink, values: dict[str, Any]) -> None:
    since: datetime | None = values.get("valid_since", before.valid_since)
    until: datetime | None = values.get("valid_until", before.valid_until)
    if since is not None and until is not None and until < since:
        raise ValidityOrderError
