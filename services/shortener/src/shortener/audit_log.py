"""The audit log: who changed what, written in the transaction of the change itself.

So there is no change without its entry and no entry without its change. Entries hold copies (the
key's name, the link's content before and after), and stay when the key or the link is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import structlog
from sqlalchemy import BigInteger, Integer, Text, bindparam, cast, column, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.schema import audit_log
from shared.link_cache import LinkKey
from shortener.api_keys import ApiKey
from shortener.link_scope import EVERYTHING, LinkScope
from shortener.stored_link import StoredLink

Action = Literal[
    "link_created",
    "link_edited",
    "link_deleted",
    "link_imported",
    "visits_imported",
    "redirect_rules_set",
]


@dataclass(frozen=True, slots=True)
class Author:
    """Who asks for a change: a key with its name, or a command without one, in which request.

    Changes find no link that is out of `scope`.
    """

    api_key_id: int | None
    name: str
    request_id: str | None
    scope: LinkScope = EVERYTHING

    @classmethod
    def of_request(cls, api_key: ApiKey) -> "Author":
        """Make the author of the request at hand, whose id its log lines have too."""
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        return cls(api_key.id, api_key.name, request_id, api_key.scope)


class AuditEntry(msgspec.Struct, frozen=True):
    """One change; `before` and `after` are what changed hands, null where there was nothing."""

    action: Action
    link_id: int
    domain: str
    short_code: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


_ENTRIES = (
    func.jsonb_to_recordset(cast(bindparam("entries", type_=Text), JSONB))
    .table_valued(
        column("n", Integer),
        column("action", Text),
        column("link_id", BigInteger),
        column("domain", Text),
        column("short_code", Text),
        column("before", JSONB),
        column("after", JSONB),
    )
    .render_derived(name="entry", with_types=True)
)
_COLUMNS = ("action", "link_id", "domain", "short_code", "before", "after")
_INSERT = insert(audit_log).from_select(
    ["api_key_id", "api_key_name", "request_id", *_COLUMNS],
    select(
        cast(bindparam("api_key_id"), BigInteger),
        cast(bindparam("api_key_name"), Text),
        cast(bindparam("request_id"), Text),
        *(_ENTRIES.c[name] for name in _COLUMNS),
    ).order_by(_ENTRIES.c.n),
)


def link_entry(
    action: Action, key: LinkKey, before: StoredLink | None, after: StoredLink | None
) -> AuditEntry:
    """Make the entry of a change of a link; at least one of its states must be given."""
    link = after or before
    assert link is not None  # noqa: S101 - says the docstring
    return AuditEntry(action, link.id, key[0], key[1], _content(before), _content(after))


async def note_entries(
    connection: AsyncConnection, author: Author, entries: Sequence[AuditEntry]
) -> None:
    """Write the entries, in their order, in the transaction of the changes."""
    rows = [{"n": n, **msgspec.structs.asdict(entry)} for n, entry in enumerate(entries)]
    parameters = {
        "entries": msgspec.json.encode(rows).decode(),
        "api_key_id": author.api_key_id,
        "api_key_name": author.name,
        "request_id": author.request_id,
    }
    await connection.execute(_INSERT, parameters)


def _content(link: StoredLink | None) -> dict[str, Any] | None:
    if link is None:
        return None
    return {
        "longUrl": link.long_url,
        "title": link.title,
        "tags": link.tags,
        "validSince": link.valid_since,
        "validUntil": link.valid_until,
        "maxVisits": link.max_visits,
        "crawlable": link.crawlable,
        "forwardQuery": link.forward_query,
        "redirectRules": msgspec.Raw((link.rules or "[]").encode()),
    }
