"""What the ledger needs to tell loss from delay, and what was deleted behind its back.

The view `click_ledger` has one row a source: appended = received + in flight + missing, and
received = stored + repeated + dead-lettered.

A new column of click_sources has a default, so a worker of the release before this one goes on
writing; it only leaves the marks alone.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UPGRADE = """
ALTER TABLE click_sources
    ADD COLUMN appended bigint NOT NULL DEFAULT 0,
    ADD COLUMN confirmed bigint NOT NULL DEFAULT 0,
    ADD COLUMN mark bigint NOT NULL DEFAULT 0,
    ADD COLUMN marked_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN former_mark bigint NOT NULL DEFAULT 0;

CREATE TABLE click_deletions (
    id uuid NOT NULL CONSTRAINT click_deletions_pkey PRIMARY KEY,
    deleted_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION note_click_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO click_deletions (id) VALUES (OLD.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE VIEW click_ledger AS
SELECT
    source, first_received_at, last_received_at, appended, received, stored, dead_lettered,
    received - stored - dead_lettered AS repeated,
    appended - received - missing AS in_flight,
    missing, holes
FROM (
    SELECT
        source, first_received_at, last_received_at, stored, dead_lettered,
        greatest(appended, confirmed, upper(arrived)) AS appended,
        (SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM unnest(arrived) AS r)
            AS received,
        (SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM unnest(holes) AS r)
            AS missing,
        holes
    FROM (
        SELECT
            source, first_received_at, last_received_at, stored, dead_lettered, appended,
            confirmed, received AS arrived,
            int8multirange(int8range(0, CASE
                WHEN last_received_at < now() - interval '20 seconds' THEN confirmed
                WHEN marked_at < now() - interval '20 seconds' THEN mark
                ELSE former_mark
            END)) - received AS holes
        FROM click_sources
    ) AS aged
) AS measured;

CREATE TRIGGER note_deletion AFTER DELETE ON clicks
    FOR EACH ROW EXECUTE FUNCTION note_click_deletion()
"""


def upgrade() -> None:
    """Apply."""
    for statement in _UPGRADE.split(";\n\n"):  # asyncpg prepares one statement at a time
        op.execute(statement)


def downgrade() -> None:
    """Undo."""
    op.execute("DROP TRIGGER note_deletion ON clicks")
    op.execute("DROP FUNCTION note_click_deletion()")
    op.execute("DROP VIEW click_ledger")
    op.execute("DROP TABLE click_deletions")
    op.execute(
        "ALTER TABLE click_sources DROP COLUMN appended, DROP COLUMN confirmed,"
        " DROP COLUMN mark, DROP COLUMN marked_at, DROP COLUMN former_mark"
    )
