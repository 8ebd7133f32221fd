"""What the API remembers of requests: answers to repeat, and who changed what."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.schema.columns import bytewise, metadata, moment, now

idempotent_answers = Table(
    "idempotent_answers",
    metadata,
    Column("api_key_id", ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True),
    Column("key", bytewise(), primary_key=True),
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("created_at", moment(), nullable=False, server_default=now),
    Index(None, "created_at"),
)
"""What was answered to a request with an `Idempotency-Key`, in the transaction that carried it
out. A batch has a part for each of its transactions. `fingerprint` is the SHA-256 of the request.
"""

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("occurred_at", moment(), nullable=False, server_default=now),
    Column("action", bytewise(), nullable=False),
    Column("api_key_id", BigInteger),
    Column("api_key_name", Text),
    Column("request_id", Text),
    Column("link_id", BigInteger),
    Column("domain", bytewise()),
    Column("short_code", bytewise()),
    Column("before", JSONB),
    Column("after", JSONB),
    Index(None, "occurred_at"),
    Index(None, "short_code", "id"),
    Index(None, "api_key_name", "id"),
)
"""Who changed what, written in the transaction of the change. Names are copies, so an entry says
the same when its key or its link is gone."""
