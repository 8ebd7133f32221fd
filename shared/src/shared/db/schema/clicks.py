"""Clicks, what is counted of them, and the ledger."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Enum,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import INET, INT8MULTIRANGE

from shared.db.schema.columns import metadata, moment, now

click_type = Enum(
    "link", "base_url", "invalid_short_url", "regular_404", name="click_type", metadata=metadata
)

clicks = Table(
    "clicks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("clicked_at", moment(), nullable=False),
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
    Column("hour", moment(), primary_key=True),
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
    Column("first_received_at", moment(), nullable=False, server_default=now),
    Column("last_received_at", moment(), nullable=False, server_default=now),
    Column("appended", BigInteger, nullable=False, server_default="0"),
    Column("confirmed", BigInteger, nullable=False, server_default="0"),
    Column("mark", BigInteger, nullable=False, server_default="0"),
    Column("marked_at", moment(), nullable=False, server_default=now),
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
    Column("deleted_at", moment(), nullable=False, server_default=now),
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
    Column("created_at", moment(), nullable=False, server_default=now),
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
