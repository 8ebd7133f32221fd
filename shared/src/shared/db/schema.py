"""The tables, as the newest migration leaves them; a test holds the two together.

`domain` is '' for the default domain, so that the default domain's name can change without
touching a link. Text that is compared with URLs is `COLLATE "C"`: bytewise and case-sensitive.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    column,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INET, INT8MULTIRANGE, JSONB

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    }
)

_now = func.now()


def _bytewise() -> Text:
    return Text(collation="C")


def _moment() -> DateTime:
    return DateTime(timezone=True)


link_version = Sequence("link_version", metadata=metadata)
"""Versions of all links come from here, so they grow across deletion and re-creation."""

click_type = Enum(
    "link", "base_url", "invalid_short_url", "regular_404", name="click_type", metadata=metadata
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False, server_default="admin"),
    Column("is_enabled", Boolean, nullable=False, server_default=text("true")),
    Column("expires_at", _moment()),
    Column("created_at", _moment(), nullable=False, server_default=_now),
    Column("roles", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("domain", _bytewise()),
)
"""`key_hash` is the SHA-256 of the key; the key itself is stored nowhere. Without any of `roles` a
key may do everything; `domain` is the one that DOMAIN_SPECIFIC means."""

domains = Table(
    "domains",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("authority", _bytewise(), nullable=False, unique=True),
    Column("created_at", _moment(), nullable=False, server_default=_now),
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
    Column("domain", _bytewise(), nullable=False, server_default=""),
    Column("short_code", _bytewise(), nullable=False),
    Column("long_url", Text, nullable=False),
    Column("long_url_hash", LargeBinary, nullable=False),
    Column("title", Text),
    Column("valid_since", _moment()),
    Column("valid_until", _moment()),
    Column("max_visits", Integer),
    Column("visits_left", Integer),
    Column("crawlable", Boolean, nullable=False, server_default=text("false")),
    Column("forward_query", Boolean, nullable=False, server_default=text("true")),
    Column("version", BigInteger, link_version, nullable=False,
           server_default=link_version.next_value()),
    Column("created_at", _moment(), nullable=False, server_default=_now),
    Column("created_by", ForeignKey("api_keys.id", ondelete="SET NULL")),
    Column("rules", JSONB(none_as_null=True)),
    Column("imported_visits", BigInteger, nullable=False, server_default="0"),
    Column("imported_bot_visits", BigInteger, nullable=False, server_default="0"),
    Column("blocked_by", _bytewise()),
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
    Column("name", _bytewise(), nullable=False, unique=True),
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
    Column("domain", _bytewise(), nullable=False),
    Column("short_code", _bytewise(), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", _moment(), nullable=False, server_default=_now),
)
"""Changes of links that the cache may not have yet; a row goes when the cache has it."""

blocked_domains = Table(
    "blocked_domains",
    metadata,
    Column("domain", _bytewise(), primary_key=True),
    Column("source", _bytewise(), primary_key=True),
    Column("reason", Text, nullable=False, server_default=""),
    Column("created_at", _moment(), nullable=False, server_default=_now),
)
"""Domains that no link may lead to, subdomains included; `source` is `operator` or `file`."""

block_changes = Table(
    "block_changes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("domain", _bytewise(), nullable=False),
    Column("due_at", _moment(), nullable=False, server_default=_now),
    Column("passes_left", SmallInteger, nullable=False, server_default="2"),
)
"""Domains that were blocked or unblocked, and whose links have to be looked through."""

clicks = Table(
    "clicks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("clicked_at", _moment(), nullable=False),
    Column("link_id", BigInteger),
    Column("type", click_type, nullable=False),
    Column("is_bot", Boolean, nullable=False),
    Column("domain", Text, nullable=False),
    Column("short_code", Text, nullable=False),
    Column("visited_url", Text, nullable=False),
    Column("redirect_url", Text),
    Column("referer", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("browser", Text),
    Column("operating_system", Text),
    Column("device", Text),
    Column("accept_language", Text, nullable=False),
    Column("ip", INET),
    Column("visitor", Text),
    Column("request_id", Text, nullable=False),
    Column("country", Text),
    Index(None, "link_id", "id"),
    postgresql_partition_by="RANGE (id)",
)
"""One row a click. The UUIDv7 id is primary key, dedupe key and time in one.

Partitions are made weeks ahead by click-ingest; there is no default partition.
"""

click_counts_hourly = Table(
    "click_counts_hourly",
    metadata,
    Column("link_id", BigInteger, primary_key=True, autoincrement=False),
    Column("type", click_type, primary_key=True),
    Column("hour", _moment(), primary_key=True),
    Column("is_bot", Boolean, primary_key=True),
    Column("clicks", BigInteger, nullable=False),
    postgresql_with={"fillfactor": "80"},
)
"""Clicks by link and hour (UTC), bots apart. Orphans count under link 0."""

click_counts_total = Table(
    "click_counts_total",
    metadata,
    Column("link_id", BigInteger, primary_key=True, autoincrement=False),
    Column("type", click_type, primary_key=True),
    Column("is_bot", Boolean, primary_key=True),
    Column("clicks", BigInteger, nullable=False),
    postgresql_with={"fillfactor": "80"},
)
"""The same over all time, for totals in lists: no page ever counts clicks."""

click_sources = Table(
    "click_sources",
    metadata,
    Column("source", Uuid, primary_key=True),
    Column("received", INT8MULTIRANGE, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("dead_lettered", BigInteger, nullable=False),
    Column("first_received_at", _moment(), nullable=False, server_default=_now),
    Column("last_received_at", _moment(), nullable=False, server_default=_now),
    Column("appended", BigInteger, nullable=False, server_default="0"),
    Column("confirmed", BigInteger, nullable=False, server_default="0"),
    Column("mark", BigInteger, nullable=False, server_default="0"),
    Column("marked_at", _moment(), nullable=False, server_default=_now),
    Column("former_mark", BigInteger, nullable=False, server_default="0"),
)
"""The ledger: which sequence numbers of each spool have arrived. Received minus stored minus
dead-lettered is what arrived more than once.

`confirmed` is how many the broker had, as of the newest message; `mark` and `former_mark` are two
earlier values of it. A hole below the newest of the three that is 20 s old is loss and not delay:
that is what the view `click_ledger` computes."""

click_deletions = Table(
    "click_deletions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("deleted_at", _moment(), nullable=False, server_default=_now),
    Column("is_asked_for", Boolean, nullable=False, server_default=text("false")),
    Index(None, "is_asked_for", postgresql_where=text("NOT is_asked_for")),
)
"""Clicks whose rows were deleted, noted by a trigger. Dropping whole partitions notes nothing.
`is_asked_for` are those that the API was asked to delete; others went behind the ledger's back."""

statistics_scope = Enum(
    "link", "tag", "domain", "non_orphan", "orphan", name="statistics_scope", metadata=metadata
)

click_deltas = Table(
    "click_deltas",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("created_at", _moment(), nullable=False, server_default=_now),
    Column("clicks", Integer, nullable=False),
    Column("delta", LargeBinary, nullable=False),
)
"""What was stored or deleted and is not in `click_statistics` yet: `shared.click_delta`."""

click_statistics = Table(
    "click_statistics",
    metadata,
    Column("scope", statistics_scope, primary_key=True),
    Column("scope_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("clicks", BigInteger, nullable=False),
    Column("bots", BigInteger, nullable=False),
    Column("visitors", BigInteger, nullable=False),
    Column("statistics", LargeBinary, nullable=False),
    Column("sketch", LargeBinary, nullable=False),
    Column("is_stale", Boolean, nullable=False, server_default=text("false")),
    Index(None, "is_stale", postgresql_where=text("is_stale")),
    postgresql_with={"fillfactor": "80"},
)
"""One row for each day (UTC) with clicks of a link, a tag, a domain (0: the default one), all
links or the orphans: `shared.day_statistics`, and a sketch of the visitors with its estimate. Only
click-ingest writes here. `is_stale` days of a tag are to be made anew."""

link_tag_marks = Table(
    "link_tag_marks",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("tag_id", BigInteger, nullable=False),
    Column("link_id", BigInteger, nullable=False),
)
"""Links that got or lost a tag, noted by triggers: the tag's days of their clicks are stale."""

idempotent_answers = Table(
    "idempotent_answers",
    metadata,
    Column("api_key_id", ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True),
    Column("key", _bytewise(), primary_key=True),
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("created_at", _moment(), nullable=False, server_default=_now),
    Index(None, "created_at"),
)
"""What was answered to a request with an `Idempotency-Key`, in the transaction that carried it
out. A batch has a part for each of its transactions. `fingerprint` is the SHA-256 of the request.
"""

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("occurred_at", _moment(), nullable=False, server_default=_now),
    Column("action", _bytewise(), nullable=False),
    Column("api_key_id", BigInteger),
    Column("api_key_name", Text),
    Column("request_id", Text),
    Column("link_id", BigInteger),
    Column("domain", _bytewise()),
    Column("short_code", _bytewise()),
    Column("before", JSONB),
    Column("after", JSONB),
    Index(None, "occurred_at"),
    Index(None, "short_code", "id"),
    Index(None, "api_key_name", "id"),
)
"""Who changed what, written in the transaction of the change. Names are copies, so an entry says
the same when its key or its link is gone."""
