"""Inserting links, one or many: as many statements for a thousand as for one.

Locks are taken in the order of `advisory_locks`, each kind sorted. A version is drawn by the
INSERT, when the code's lock is held.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Integer,
    Text,
    bindparam,
    cast,
    column,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import insert as insert_or_ignore
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.schema import domains, links
from shared.link_cache import LinkKey
from shortener.advisory_locks import lock_codes
from shortener.audit_log import Action, Author, link_entry, note_entries
from shortener.code_generator import Draw
from shortener.link_change import LinkChange
from shortener.link_outbox import note_changes
from shortener.link_tags import tag_links
from shortener.short_url_body import ShortUrlCreation
from shortener.stored_link import StoredLink

_MOMENT = DateTime(timezone=True)
_COLUMNS = (
    column("domain", Text),
    column("short_code", Text),
    column("long_url", Text),
    column("title", Text),
    column("valid_since", _MOMENT),
    column("valid_until", _MOMENT),
    column("max_visits", Integer),
    column("visits_left", Integer),
    column("crawlable", Boolean),
    column("forward_query", Boolean),
    column("created_at", _MOMENT),
    column("imported_visits", BigInteger),
    column("imported_bot_visits", BigInteger),
)
_NEW = (
    func.jsonb_to_recordset(cast(bindparam("rows", type_=Text), JSONB))
    .table_valued(column("n", Integer), *_COLUMNS)
    .render_derived(name="new", with_types=True)
)
_VALUES = {name.name: _NEW.c[name.name] for name in _COLUMNS} | {
    "created_at": func.coalesce(_NEW.c.created_at, func.now()),
    "long_url_hash": func.sha256(func.convert_to(_NEW.c.long_url, "UTF8")),
    "created_by": cast(bindparam("created_by"), BigInteger),
}
_INSERT_FREE = (
    insert_or_ignore(links)
    .from_select(
        list(_VALUES), select(*_VALUES.values()).order_by(_NEW.c.n), include_defaults=False
    )
    .on_conflict_do_nothing(index_elements=[links.c.domain, links.c.short_code])
    .returning(links.c.id, links.c.domain, links.c.short_code, links.c.version, links.c.created_at)
)
_CREATE_DOMAINS = (
    insert_or_ignore(domains)
    .from_select(["authority"], select(func.unnest(cast(bindparam("names"), ARRAY(Text)))))
    .on_conflict_do_nothing()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """A link to insert, with what it brings along when it was made elsewhere."""

    creation: ShortUrlCreation
    created_at: datetime | None = None
    """None for now."""
    imported_visits: int = 0
    imported_bot_visits: int = 0
    """Part of `imported_visits`."""


async def create_domains(connection: AsyncConnection, names: Sequence[str]) -> None:
    """Note that links are made for these domains; '' is the default one and not noted."""
    others = sorted({name for name in names if name})
    if others:
        await connection.execute(_CREATE_DOMAINS, {"names": others})


async def insert_links(
    connection: AsyncConnection,
    new: Sequence[NewLink],
    author: Author,
    draw: Draw,
    count_collision: Callable[[], object],
    action: Action = "link_created",
) -> list[LinkChange | None]:
    """Insert the links whose code is free; None where the slug, or every code drawn, is taken."""
    await create_domains(connection, [link.creation.domain for link in new])
    links_by_n = await _insert(connection, new, author, draw, count_collision)
    if not links_by_n:
        return [None] * len(new)
    inserted = list(links_by_n.values())
    await tag_links(connection, [(link.id, link.tags) for link in inserted])
    entries = await note_changes(connection, [(link.key, link.version) for link in inserted])
    audit = [link_entry(action, link.key, None, link) for link in inserted]
    await note_entries(connection, author, audit)
    changes = {
        n: LinkChange(link, entry)
        for (n, link), entry in zip(links_by_n.items(), entries, strict=True)
    }
    return [changes.get(n) for n in range(len(new))]


async def _insert(
    connection: AsyncConnection,
    new: Sequence[NewLink],
    author: Author,
    draw: Draw,
    count_collision: Callable[[], object],
) -> dict[int, StoredLink]:
    codes = [_codes(link.creation, draw) for link in new]
    inserted: dict[int, StoredLink] = {}
    waiting = list(range(len(new)))
    while waiting:
        tried: dict[LinkKey, int] = {}
        for n in waiting:
            code = next(codes[n], None)
            if code is not None:
                tried.setdefault((new[n].creation.domain, code), n)
        if not tried:
            break
        await lock_codes(connection, tried)
        rows = [_row(n, key, new[n]) for key, n in tried.items()]
        parameters = {
            "rows": msgspec.json.encode(rows).decode(),
            "created_by": author.api_key_id,
        }
        for row in await connection.execute(_INSERT_FREE, parameters):
            n = tried[row.domain, row.short_code]
            inserted[n] = _stored(new[n], row.id, row.short_code, row.version, row.created_at)
        waiting = [n for n in waiting if n not in inserted and new[n].creation.custom_slug is None]
        for _ in waiting:
            count_collision()
    return inserted


def _codes(creation: ShortUrlCreation, draw: Draw) -> Iterator[str]:
    if creation.custom_slug is not None:
        return iter([creation.custom_slug])
    return draw(creation.short_code_length, creation.path_prefix)


def _row(n: int, key: LinkKey, new: NewLink) -> dict[str, object]:
    creation = new.creation
    return {
        "n": n,
        "domain": key[0],
        "short_code": key[1],
        "long_url": creation.long_url.href,
        "title": creation.title,
        "valid_since": creation.valid_since,
        "valid_until": creation.valid_until,
        "max_visits": creation.max_visits,
        "visits_left": _visits_left(new),
        "crawlable": creation.crawlable,
        "forward_query": creation.forward_query,
        "created_at": new.created_at,
        "imported_visits": new.imported_visits,
        "imported_bot_visits": new.imported_bot_visits,
    }


def _visits_left(new: NewLink) -> int | None:
    if new.creation.max_visits is None:
        return None
    return max(0, new.creation.max_visits - new.imported_visits + new.imported_bot_visits)


def _stored(
    new: NewLink, link_id: int, code: str, version: int, created_at: datetime
) -> StoredLink:
    creation = new.creation
    return StoredLink(
        id=link_id,
        domain=creation.domain,
        short_code=code,
        long_url=creation.long_url.href,
        title=creation.title,
        valid_since=creation.valid_since,
        valid_until=creation.valid_until,
        max_visits=creation.max_visits,
        visits_left=_visits_left(new),
        crawlable=creation.crawlable,
        forward_query=creation.forward_query,
        version=version,
        created_at=created_at,
        tags=creation.tags,
        visits=new.imported_visits,
        non_bot_visits=new.imported_visits - new.imported_bot_visits,
    )
