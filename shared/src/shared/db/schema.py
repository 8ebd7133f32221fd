"""The tables, as the newest migration leaves them; a test holds the two together.

`domain` is '' for the default domain, so that the default domain's name can change without
touching a link. Text that is compared with URLs is `COLLATE "C"`: bytewise and case-sensitive.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
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
    func,
    text,
)
from sqlalchemy.dialects.postgresql import INET, INT8MULTIRANGE

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
)
"""`key_hash` is the SHA-256 of the key; the key itself is stored nowhere."""

domains = Table(
    "domains",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("authority", _bytewise(), nullable=False, unique=True),
    Column("created_at", _moment(), nullable=False, server_default=_now),
)
"""Domains other than the default one that links were made for."""

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
    Column("blocked_by", _bytewise()),
    UniqueConstraint("domain", "short_code"),
    Index(None, "long_url_hash"),
    Index(None, "created_at", "id"),
    # COLLATE "C" in the migration, which Alembic does not see in an expression.
    Index("links_reversed_host_idx", text("reversed_host(long_url)"), "id"),
)  # fmt: skip
"""One row a link. `visits_left` is null without a visit limit, else taken down by redirects;
`blocked_by` is the blocked domain that a link is down for."""

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
    Index(None, "tag_id"),
)

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
)
"""Clicks whose rows were deleted, noted by a trigger. Dropping whole partitions notes nothing."""
