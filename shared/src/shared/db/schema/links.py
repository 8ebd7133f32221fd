"""Links, and what belongs to them: tags, domains, counts to order by, blocks, keys, the outbox."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    column,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.db.schema.columns import bytewise, metadata, moment, now

link_version = Sequence("link_version", metadata=metadata)
"""Versions of all links come from here, so they grow across deletion and re-creation."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False, server_default="admin"),
    Column("is_enabled", Boolean, nullable=False, server_default=text("true")),
    Column("expires_at", moment()),
    Column("created_at", moment(), nullable=False, server_default=now),
    Column("roles", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("domain", bytewise()),
)
"""`key_hash` is the SHA-256 of the key; the key itself is stored nowhere. Without any of `roles` a
key may do everything; `domain` is the one that DOMAIN_SPECIFIC means."""

domains = Table(
    "domains",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("authority", bytewise(), nullable=False, unique=True),
    Column("created_at", moment(), nullable=False, server_default=now),
    Column("base_url_redirect", Text),
    Column("regular_404_redirect", Text),
    Column("invalid_short_url_redirect", Text),
)
"""Domains other than the default one that links were made for, and where their visitors are led
who would find nothing. Of the default domain, '', there is a row if it has such redirects."""

SEARCHED_TEXT = "((((long_url || '\n') || short_code) || '\n') || COALESCE(title, ''))"
"""What of a link's own is searched, as its index of trigrams has it: a query must mean just this.
Spelt as PostgreSQL shows it, so that the test finds migration and table the same."""

links = Table(
    "links",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("domain", bytewise(), nullable=False, server_default=""),
    Column("short_code", bytewise(), nullable=False),
    Column("long_url", Text, nullable=False),
    Column("long_url_hash", LargeBinary, nullable=False),
    Column("title", Text),
    Column("valid_since", moment()),
    Column("valid_until", moment()),
    Column("max_visits", Integer),
    Column("visits_left", Integer),
    Column("crawlable", Boolean, nullable=False, server_default=text("false")),
    Column("forward_query", Boolean, nullable=False, server_default=text("true")),
    Column("version", BigInteger, link_version, nullable=False,
           server_default=link_version.next_value()),
    Column("created_at", moment(), nullable=False, server_default=now),
    Column("created_by", ForeignKey("api_keys.id", ondelete="SET NULL")),
    Column("rules", JSONB(none_as_null=True)),
    Column("imported_visits", BigInteger, nullable=False, server_default="0"),
    Column("imported_bot_visits", BigInteger, nullable=False, server_default="0"),
    Column("blocked_by", bytewise()),
    UniqueConstraint("domain", "short_code"),
    Index(None, "long_url_hash"),
    Index(None, "created_at", "id"),
    Index("links_crawlable_idx", "domain", "short_code", postgresql_where=text("crawlable")),
    Index(None, "long_url", "id"),
    Index(None, "short_code", "id"),
    Index("links_title_id_idx", func.coalesce(column("title"), text("''")), "id"),
    Index(None, "created_by", "created_at", "id"),
    Index("links_search_idx", text(SEARCHED_TEXT), postgresql_using="gin"),
    # COLLATE "C" in the migration, which Alembic does not see in an expression.
    Index("links_reversed_host_idx", text("reversed_host(long_url)"), "id"),
    Index("links_rule_domains_idx", text("rule_domains(rules)"), postgresql_using="gin",
          postgresql_where=text("rules IS NOT NULL")),
)  # fmt: skip
"""One row a link. `visits_left` is null without a visit limit, else taken down by redirects;
`rules` is null without redirect rules, else as in `shared.redirect_rule`; `blocked_by` is the
blocked domain that a link is down for.

`imported_visits` is how many visits the link brought along from another shortener (those of bots
among them are `imported_bot_visits`): no clicks of ours, so they are in no rollup, but in
`link_visits` and `tag_counts`."""

link_counts = Table(
    "link_counts",
    metadata,
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("links", BigInteger, nullable=False),
    postgresql_with={"fillfactor": "10"},
)
"""How many links there are: the sum of the parts, which triggers on `links` keep."""

tags = Table(
    "tags",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", bytewise(), nullable=False, unique=True),
)

link_tags = Table(
    "link_tags",
    metadata,
    Column("link_id", ForeignKey("links.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True),
    Index(None, "tag_id", "link_id"),
)

link_visits = Table(
    "link_visits",
    metadata,
    Column("link_id", BigInteger, primary_key=True, autoincrement=False),
    Column("visits", BigInteger, nullable=False),
    Column("non_bot_visits", BigInteger, nullable=False),
    Index(None, "visits", "link_id"),
    Index(None, "non_bot_visits", "link_id"),
    postgresql_with={"fillfactor": "80"},
)
"""One row a link, to order by: `click_counts_total` as it was when changes were last folded, and
the visits that the link brought along."""

tag_counts = Table(
    "tag_counts",
    metadata,
    Column("tag_id", ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True),
    Column("links", BigInteger, nullable=False),
    Column("visits", BigInteger, nullable=False),
    Column("non_bot_visits", BigInteger, nullable=False),
    postgresql_with={"fillfactor": "50"},
)
"""The links of each tag and their visits, as of then too; no row is zeros."""

link_visit_changes = Table(
    "link_visit_changes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("links", Integer, nullable=False),
    Column("link_ids", ARRAY(BigInteger), nullable=False),
    postgresql_with={
        "autovacuum_vacuum_scale_factor": "0",
        "autovacuum_vacuum_threshold": "1000",
    },
)
"""Links whose `link_visits` are to be looked up again, `links` of them in a row; written by
triggers, without waiting for anybody. A link may be in several rows."""

link_tag_changes = Table(
    "link_tag_changes",
    metadata,
    Column("link_id", BigInteger, nullable=False),
    Column("tag_id", BigInteger),
    Column("links", SmallInteger, nullable=False),
    postgresql_with={
        "autovacuum_vacuum_scale_factor": "0",
        "autovacuum_vacuum_threshold": "20000",
    },
)
"""Tags that links were given (1) or lost (-1); without a tag, a link that was deleted."""

link_outbox = Table(
    "link_outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("domain", bytewise(), nullable=False),
    Column("short_code", bytewise(), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", moment(), nullable=False, server_default=now),
)
"""Changes of links that the cache may not have yet; a row goes when the cache has it."""

blocked_domains = Table(
    "blocked_domains",
    metadata,
    Column("domain", bytewise(), primary_key=True),
    Column("source", bytewise(), primary_key=True),
    Column("reason", Text, nullable=False, server_default=""),
    Column("created_at", moment(), nullable=False, server_default=now),
)
"""Domains that no link may lead to, subdomains included; `source` is `operator` or `file`."""

block_changes = Table(
    "block_changes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("domain", bytewise(), nullable=False),
    Column("due_at", moment(), nullable=False, server_default=now),
    Column("passes_left", SmallInteger, nullable=False, server_default="2"),
)
"""Domains that were blocked or unblocked, and whose links have to be looked through."""
