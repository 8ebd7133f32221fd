"""Setting a link's redirect rules, in the transaction that it is given."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import bindparam, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.schema import link_version, links
from shared.link_cache import LinkKey
from shared.redirect_rule import RedirectRule, decode_rules
from shortener.audit_log import Author, link_entry, note_entries
from shortener.link_change import LinkChange, blocking_domain, find_link
from shortener.link_outbox import note_change
from shortener.stored_link import StoredLink

_NEW_RULES = bindparam("new_rules", type_=JSONB(none_as_null=True))
_SET = (
    update(links)
    .where(links.c.id == bindparam("link_id"))
    .values(
        rules=_NEW_RULES,
        blocked_by=blocking_domain(links.c.long_url, _NEW_RULES),
        version=link_version.next_value(),
    )
    .returning(links.c.version)
)


async def set_rules(
    connection: AsyncConnection,
    key: LinkKey,
    rules: Sequence[RedirectRule],
    author: Author,
) -> LinkChange:
    """Replace all rules; doing it twice leads to the same link.

    Raises:
        LinkNotFoundError: there is no such link.
    """
    before = await find_link(connection, key, author.scope, to_change=True)
    if rules_of(before) == tuple(rules):
        return LinkChange(before, None)
    parameters = {"link_id": before.id, "new_rules": msgspec.to_builtins(rules) or None}
    version = (await connection.execute(_SET, parameters)).scalar_one()
    entry = await note_change(connection, key, version)
    after = await find_link(connection, key)
    await note_entries(connection, author, [link_entry("redirect_rules_set", key, before, after)])
    return LinkChange(after, entry)


def rules_of(link: StoredLink) -> tuple[RedirectRule, ...]:
    """Return the rules of a link in their order."""
    return () if link.rules is None else decode_rules(link.rules)
