"""Finding, for each of many creations, the link that it would otherwise make a second time."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import DateTime, Integer, Text, any_, bindparam, cast, column, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.schema import links
from shortener.advisory_locks import lock_long_urls
from shortener.link_change import hash_long_url
from shortener.link_scope import WITHIN, LinkScope
from shortener.short_url_body import ShortUrlCreation
from shortener.stored_link import SELECT_STORED, StoredLink, stored_link, tag_names

_WANTED = (
    func.jsonb_to_recordset(cast(bindparam("wanted", type_=Text), JSONB))
    .table_valued(
        column("n", Integer),
        column("long_url", Text),
        column("short_code", Text),
        column("domain", Text),
        column("max_visits", Integer),
        column("valid_since", DateTime(timezone=True)),
        column("valid_until", DateTime(timezone=True)),
        column("tags", ARRAY(Text)),
    )
    .render_derived(name="wanted", with_types=True)
)
_EQUAL = (
    (_WANTED.c.short_code, links.c.short_code),
    (_WANTED.c.domain, links.c.domain),
    (_WANTED.c.max_visits, links.c.max_visits),
    (_WANTED.c.valid_since, links.c.valid_since),
    (_WANTED.c.valid_until, links.c.valid_until),
    (_WANTED.c.tags, tag_names),
)
_OLDEST_LIKE = (
    select(links.c.id)
    .where(
        links.c.long_url_hash == func.sha256(func.convert_to(_WANTED.c.long_url, "UTF8")),
        *(or_(wanted.is_(None), wanted == has) for wanted, has in _EQUAL),
        *WITHIN,
    )
    .order_by(links.c.id)
    .limit(1)
    .correlate(_WANTED)
    .scalar_subquery()
)
_FIND_LIKE = select(_WANTED.c.n, _OLDEST_LIKE.label("link_id"))
_READ = SELECT_STORED.where(links.c.id == any_(bindparam("ids", type_=ARRAY(links.c.id.type))))


async def find_like(
    connection: AsyncConnection, creations: Sequence[ShortUrlCreation], scope: LinkScope
) -> list[StoredLink | None]:
    """Find for each the oldest link in the scope with its long URL and with all that it gives.

    Under a lock of the long URLs, so that of concurrent callers only the first creates a link.
    """
    if not creations:
        return []
    hashes = {hash_long_url(creation.long_url.href).hex() for creation in creations}
    await lock_long_urls(connection, hashes)
    wanted = [_wanted(n, creation) for n, creation in enumerate(creations)]
    parameters = {"wanted": msgspec.json.encode(wanted).decode(), **scope.parameters}
    rows = await connection.execute(_FIND_LIKE, parameters)
    link_ids = {row.n: row.link_id for row in rows if row.link_id is not None}
    if not link_ids:
        return [None] * len(creations)
    found = await read_links(connection, link_ids.values())
    return [found.get(link_ids.get(n, 0)) for n in range(len(creations))]


async def read_links(connection: AsyncConnection, ids: Any) -> dict[int, StoredLink]:
    """Read the links with these ids."""
    rows = await connection.execute(_READ, {"ids": list(set(ids))})
    return {link.id: link for link in map(stored_link, rows)}


def given_of(creation: ShortUrlCreation) -> dict[str, object]:
    """Return what a link must have beside the long URL to be like the creation."""
    return {
        "short_code": creation.custom_slug,
        # The default domain counts as none given, and then any domain will do.
        "domain": creation.domain or None,
        "max_visits": creation.max_visits,
        "valid_since": creation.valid_since,
        "valid_until": creation.valid_until,
        "tags": sorted(creation.tags) or None,
    }


def _wanted(n: int, creation: ShortUrlCreation) -> dict[str, object]:
    return {"n": n, "long_url": creation.long_url.href, **given_of(creation)}
