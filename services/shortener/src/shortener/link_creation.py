"""Creating a link, in the transaction that it is given."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Text, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as insert_or_ignore
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.schema import domains, links
from shortener.code_generator import Draw
from shortener.link_change import LinkChange, hash_long_url, lock_code
from shortener.link_outbox import note_change
from shortener.link_scope import EVERYTHING, LinkScope
from shortener.link_tags import add_tags
from shortener.short_url_body import ShortUrlCreation
from shortener.stored_link import SELECT_STORED, StoredLink, stored_link, tag_names

_INSERT_IF_FREE = (
    insert_or_ignore(links)
    .on_conflict_do_nothing(index_elements=[links.c.domain, links.c.short_code])
    .returning(links)
)
_CREATE_DOMAIN = insert_or_ignore(domains).on_conflict_do_nothing()
_LOCK_LONG_URL = select(
    func.pg_advisory_xact_lock(func.hashtextextended(bindparam("long_url_hash"), 1))
)
_NOT_READ = frozenset({"long_url_hash", "created_by"})


class ShortCodeTakenError(Exception):
    """Another link has the custom slug."""


class NoFreeCodeError(Exception):
    """Every random code that was drawn is taken, which only happens when codes are too short."""


async def create_link(
    connection: AsyncConnection,
    creation: ShortUrlCreation,
    created_by: int,
    draw: Draw,
    count_collision: Callable[[], object],
    scope: LinkScope = EVERYTHING,
) -> LinkChange:
    """Create the link, or find the one in the scope that `find_if_exists` asks for.

    Raises:
        ShortCodeTakenError | NoFreeCodeError: there is no code for it.
    """
    if creation.find_if_exists:
        found = await _find_like(connection, creation, scope)
        if found is not None:
            return LinkChange(found, None)
    if creation.domain:
        await connection.execute(_CREATE_DOMAIN, {"authority": creation.domain})
    link = await _insert(connection, creation, created_by, draw, count_collision)
    await add_tags(connection, link.id, link.tags)
    return LinkChange(link, await note_change(connection, link.key, link.version))


async def _insert(
    connection: AsyncConnection,
    creation: ShortUrlCreation,
    created_by: int,
    draw: Draw,
    count_collision: Callable[[], object],
) -> StoredLink:
    values = {
        "domain": creation.domain,
        "long_url": creation.long_url.href,
        "long_url_hash": hash_long_url(creation.long_url.href),
        "title": creation.title,
        "valid_since": creation.valid_since,
        "valid_until": creation.valid_until,
        "max_visits": creation.max_visits,
        "visits_left": creation.max_visits,
        "crawlable": creation.crawlable,
        "forward_query": creation.forward_query,
        "created_by": created_by,
    }
    if creation.custom_slug is not None:
        values["short_code"] = creation.custom_slug
        link = await _insert_if_free(connection, values, creation.tags)
        if link is None:
            raise ShortCodeTakenError
        return link
    for code in draw(creation.short_code_length, creation.path_prefix):
        values["short_code"] = code
        link = await _insert_if_free(connection, values, creation.tags)
        if link is not None:
            return link
        count_collision()
    raise NoFreeCodeError


async def _insert_if_free(
    connection: AsyncConnection, values: dict[str, Any], tags: tuple[str, ...]
) -> StoredLink | None:
    await lock_code(connection, (values["domain"], values["short_code"]))
    row = (await connection.execute(_INSERT_IF_FREE, values)).mappings().one_or_none()
    if row is None:
        return None
    columns = {name: value for name, value in row.items() if name not in _NOT_READ}
    return StoredLink(**columns, tags=tags, visits=0, non_bot_visits=0)


async def _find_like(
    connection: AsyncConnection, creation: ShortUrlCreation, scope: LinkScope
) -> StoredLink | None:
    """Find the oldest link with this long URL and with all that the creation gives.

    Under a lock of the long URL, so that of concurrent callers only the first creates a link.
    """
    url_hash = hash_long_url(creation.long_url.href)
    await connection.execute(_LOCK_LONG_URL, {"long_url_hash": url_hash.hex()})
    wanted = {
        links.c.short_code: creation.custom_slug,
        links.c.max_visits: creation.max_visits,
        links.c.valid_since: creation.valid_since,
        links.c.valid_until: creation.valid_until,
        # The default domain counts as none given, and then any domain will do.
        links.c.domain: creation.domain or None,
    }
    given = [column == value for column, value in wanted.items() if value is not None]
    given += scope.conditions()
    if creation.tags:
        given.append(tag_names == cast(sorted(creation.tags), ARRAY(Text)))
    statement = SELECT_STORED.where(links.c.long_url_hash == url_hash, *given)
    oldest = statement.order_by(links.c.id).limit(1)
    row = (await connection.execute(oldest)).one_or_none()
    return None if row is None else stored_link(row)
