"""One chunk of an import, in the transaction that it is given.

An import can be repeated without harm, and so resumed: a link that is there with the same long URL
is left as it is, and only its imported visits are raised when the source has counted more since.
A code whose link the author may not see is taken.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import BigInteger, Text, bindparam, case, cast, column, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.schema import links
from shared.link_cache import LinkKey
from shortener.audit_log import AuditEntry, Author, note_entries
from shortener.code_generator import Draw
from shortener.link_change import LinkChange
from shortener.link_insertion import NewLink, insert_links
from shortener.link_match import find_like
from shortener.link_scope import WITHIN, LinkScope
from shortener.short_url_body import ShortUrlCreation

Outcome = Literal["created", "existing", "updated", "taken", "no_free_code"]

_KEYS = (
    func.unnest(cast(bindparam("domains"), ARRAY(Text)), cast(bindparam("codes"), ARRAY(Text)))
    .table_valued("domain", "short_code")
    .render_derived(name="wanted")
)
_FIND = select(
    links.c.id,
    links.c.domain,
    links.c.short_code,
    links.c.long_url,
    links.c.imported_visits,
    links.c.imported_bot_visits,
).where(links.c.domain == _KEYS.c.domain, links.c.short_code == _KEYS.c.short_code, *WITHIN)
_MORE = (
    func.unnest(
        cast(bindparam("ids"), ARRAY(BigInteger)),
        cast(bindparam("visits"), ARRAY(BigInteger)),
        cast(bindparam("bots"), ARRAY(BigInteger)),
    )
    .table_valued(
        column("id", BigInteger), column("visits", BigInteger), column("bots", BigInteger)
    )
    .render_derived(name="more")
)
_PEOPLE_SINCE = (
    _MORE.c.visits - _MORE.c.bots - (links.c.imported_visits - links.c.imported_bot_visits)
)
_RAISE_VISITS = (
    update(links)
    .where(links.c.id == _MORE.c.id)
    .values(
        imported_visits=_MORE.c.visits,
        imported_bot_visits=_MORE.c.bots,
        visits_left=case(
            (links.c.visits_left.is_(None), None),
            else_=func.greatest(0, links.c.visits_left - func.greatest(0, _PEOPLE_SINCE)),
        ),
    )
)


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of one link, and the change if it was created."""

    outcome: Outcome
    change: LinkChange | None = None


async def import_chunk(
    connection: AsyncConnection,
    new: Sequence[NewLink],
    author: Author,
    draw: Draw,
    count_collision: Callable[[], object],
) -> list[ImportResult]:
    """Create the links that are not there yet; never fails for one of them."""
    found = await _find_without_code(connection, [link.creation for link in new], author.scope)
    missing, twins = _to_create(new, found)
    changes = dict(
        zip(
            missing,
            await insert_links(
                connection, [new[n] for n in missing], author, draw, count_collision,
                "link_imported",
            ),
            strict=True,
        )
    )  # fmt: skip
    for n in missing:
        slug = new[n].creation.custom_slug
        if changes[n] is None and slug is not None:
            found[n] = (new[n].creation.domain, slug)
    for n, twin in twins.items():
        change = changes[twin]
        if change is not None:
            found[n] = change.link.key
    there = await _find(connection, set(found.values()), author.scope)
    updated = await _raise_visits(
        connection, new, {n: there[key] for n, key in found.items() if key in there}, author
    )
    return [
        _result(new[n], changes.get(n), there.get(found[n]) if n in found else None, n in updated)
        for n in range(len(new))
    ]


def _result(new: NewLink, change: LinkChange | None, there: Any, is_updated: bool) -> ImportResult:
    if change is not None:
        return ImportResult("created", change)
    if there is None:
        return ImportResult("no_free_code" if new.creation.custom_slug is None else "taken")
    if there.long_url != new.creation.long_url.href:
        return ImportResult("taken")
    return ImportResult("updated" if is_updated else "existing")


async def _find_without_code(
    connection: AsyncConnection, creations: Sequence[ShortUrlCreation], scope: LinkScope
) -> dict[int, LinkKey]:
    """Find links for those that bring no code: by the long URL, or each run would add one more."""
    seeking = [n for n, creation in enumerate(creations) if creation.custom_slug is None]
    likes = await find_like(connection, [_bare(creations[n]) for n in seeking], scope)
    return {n: link.key for n, link in zip(seeking, likes, strict=True) if link is not None}


def _bare(creation: ShortUrlCreation) -> ShortUrlCreation:
    return replace(creation, tags=(), max_visits=None, valid_since=None, valid_until=None)


def _to_create(
    new: Sequence[NewLink], found: dict[int, LinkKey]
) -> tuple[list[int], dict[int, int]]:
    """Return which links to create, and for others without a code the one that is theirs too."""
    missing: list[int] = []
    twins: dict[int, int] = {}
    first: dict[tuple[str, str], int] = {}
    for n, link in enumerate(new):
        if n in found:
            continue
        if link.creation.custom_slug is None:
            twin = first.setdefault((link.creation.domain, link.creation.long_url.href), n)
            if twin != n:
                twins[n] = twin
                continue
        missing.append(n)
    return missing, twins


async def _find(
    connection: AsyncConnection, keys: set[LinkKey], scope: LinkScope
) -> dict[LinkKey, Any]:
    if not keys:
        return {}
    domains, codes = zip(*keys, strict=True)
    wanted = {"domains": list(domains), "codes": list(codes)}
    rows = await connection.execute(_FIND, {**wanted, **scope.parameters})
    return {(row.domain, row.short_code): row for row in rows}


async def _raise_visits(
    connection: AsyncConnection, new: Sequence[NewLink], there: dict[int, Any], author: Author
) -> set[int]:
    """Take over higher counts of links that are there; return whose were raised."""
    more: dict[int, int] = {}  # by the link's id, the last one that counted more
    for n, row in there.items():
        is_same = row.long_url == new[n].creation.long_url.href
        if is_same and new[n].imported_visits > row.imported_visits:
            more[row.id] = n
    if not more:
        return set()
    raised = [(there[n], new[n]) for n in more.values()]
    parameters = {
        "ids": list(more),
        "visits": [link.imported_visits for _, link in raised],
        "bots": [link.imported_bot_visits for _, link in raised],
    }
    await connection.execute(_RAISE_VISITS, parameters)
    entries = [
        AuditEntry(
            "visits_imported", row.id, row.domain, row.short_code,
            {"importedVisits": row.imported_visits}, {"importedVisits": link.imported_visits},
        )
        for row, link in raised
    ]  # fmt: skip
    await note_entries(connection, author, entries)
    return set(more.values())
