"""Visits that links bring along from elsewhere, answers that are given once, and who changed what.

Imported visits are columns of the link, not clicks: so the rollups stay the sum of the rows of
`clicks`. Both columns have a constant default, so adding them rewrites nothing.
"""

from alembic import op

revision = "0007"
down_revision = "0003"
branch_labels = None
depends_on = None

_UPGRADE = """
ALTER TABLE links
    ADD COLUMN imported_visits bigint NOT NULL DEFAULT 0,
    ADD COLUMN imported_bot_visits bigint NOT NULL DEFAULT 0;

CREATE TABLE idempotent_answers (
    api_key_id bigint NOT NULL
        CONSTRAINT idempotent_answers_api_key_id_fkey REFERENCES api_keys (id) ON DELETE CASCADE,
    key text COLLATE "C" NOT NULL,
    part smallint NOT NULL,
    fingerprint bytea NOT NULL,
    answer bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotent_answers_pkey PRIMARY KEY (api_key_id, key, part)
);

CREATE INDEX idempotent_answers_created_at_idx ON idempotent_answers (created_at);

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT audit_log_pkey PRIMARY KEY,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    action text COLLATE "C" NOT NULL,
    api_key_id bigint,
    api_key_name text,
    request_id text,
    link_id bigint,
    domain text COLLATE "C",
    short_code text COLLATE "C",
    before jsonb,
    after jsonb
);

CREATE INDEX audit_log_occurred_at_idx ON audit_log (occurred_at);

CREATE INDEX audit_log_short_code_id_idx ON audit_log (short_code, id);

CREATE INDEX audit_log_api_key_name_id_idx ON audit_log (api_key_name, id)
"""


def upgrade() -> None:
    """Apply."""
    for statement in _UPGRADE.split(";\n\n"):  # asyncpg prepares one statement at a time
        op.execute(statement)


def downgrade() -> None:
    """Undo."""
    op.execute("DROP TABLE audit_log")
    op.execute("DROP TABLE idempotent_answers")
    op.execute("ALTER TABLE links DROP COLUMN imported_bot_visits, DROP COLUMN imported_visits")
