"""Statistics by day, kept up behind the clicks.

Who stores or deletes clicks leaves one row in `click_deltas` in the same transaction; click-ingest
adds it to `click_statistics` later and removes it. A link that gets or loses a tag leaves a mark,
from which the tag's days are made anew. A worker of the release before this one leaves no deltas:
its clicks are in every count but in no statistics of days.

Deletions that were asked for are told apart from those behind the ledger's back.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_UPGRADE = """
CREATE TYPE statistics_scope AS ENUM ('link', 'tag', 'domain', 'non_orphan', 'orphan');

CREATE TABLE click_deltas (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT click_deltas_pkey PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    clicks integer NOT NULL,
    delta bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

ALTER TABLE click_deltas ALTER COLUMN delta SET STORAGE EXTERNAL;

CREATE TABLE click_statistics (
    scope statistics_scope NOT NULL,
    scope_id bigint NOT NULL,
    day date NOT NULL,
    clicks bigint NOT NULL,
    bots bigint NOT NULL,
    visitors bigint NOT NULL,
    statistics bytea NOT NULL,
    sketch bytea NOT NULL,
    is_stale boolean NOT NULL DEFAULT false,
    CONSTRAINT click_statistics_pkey PRIMARY KEY (scope, scope_id, day)
) WITH (fillfactor = 80);

CREATE INDEX click_statistics_is_stale_idx ON click_statistics (is_stale) WHERE is_stale;

CREATE TABLE link_tag_marks (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT link_tag_marks_pkey PRIMARY KEY,
    tag_id bigint NOT NULL,
    link_id bigint NOT NULL
);

CREATE FUNCTION mark_link_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO link_tag_marks (tag_id, link_id) SELECT tag_id, link_id FROM changed_tags;
    ELSE
        -- A link of this very transaction has no clicks yet.
        INSERT INTO link_tag_marks (tag_id, link_id)
        SELECT tag_id, link_id FROM changed_tags
        JOIN links ON links.id = link_id AND links.xmin <> pg_current_xact_id()::xid;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER mark_added AFTER INSERT ON link_tags
    REFERENCING NEW TABLE AS changed_tags FOR EACH STATEMENT EXECUTE FUNCTION mark_link_tags();

CREATE TRIGGER mark_removed AFTER DELETE ON link_tags
    REFERENCING OLD TABLE AS changed_tags FOR EACH STATEMENT EXECUTE FUNCTION mark_link_tags();

ALTER TABLE click_deletions ADD COLUMN is_asked_for boolean NOT NULL DEFAULT false;

CREATE INDEX click_deletions_is_asked_for_idx ON click_deletions (is_asked_for)
WHERE NOT is_asked_for;

CREATE OR REPLACE FUNCTION note_click_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO click_deletions (id, is_asked_for)
    VALUES (OLD.id, coalesce(current_setting('qck.deletion_is_asked_for', true), '') = 'on')
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$
"""

_DOWNGRADE = """
CREATE OR REPLACE FUNCTION note_click_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO click_deletions (id) VALUES (OLD.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

ALTER TABLE click_deletions DROP COLUMN is_asked_for;

DROP TRIGGER mark_added ON link_tags;

DROP TRIGGER mark_removed ON link_tags;

DROP FUNCTION mark_link_tags();

DROP TABLE link_tag_marks, click_statistics, click_deltas;

DROP TYPE statistics_scope
"""


def upgrade() -> None:
    """Apply."""
    for statement in _UPGRADE.split(";\n\n"):  # asyncpg prepares one statement at a time
        op.execute(statement)


def downgrade() -> None:
    """Undo."""
    for statement in _DOWNGRADE.split(";\n\n"):
        op.execute(statement)
