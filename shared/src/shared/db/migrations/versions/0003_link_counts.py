"""How many links there are, kept as they come and go: counting a million takes 60 ms, each time.

In sixteen parts, so that those who create links at once seldom wait for each other: a part is
locked until the transaction that changed it ends.

Triggers count for every release that writes links, the one before this included.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UPGRADE = """
CREATE TABLE link_counts (
    part smallint NOT NULL CONSTRAINT link_counts_pkey PRIMARY KEY,
    links bigint NOT NULL
) WITH (fillfactor = 10);

CREATE FUNCTION count_links() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed bigint;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE link_counts SET links = 0;
        RETURN NULL;
    END IF;
    SELECT count(*) INTO changed FROM changed_links;
    IF TG_OP = 'DELETE' THEN
        changed := -changed;
    END IF;
    IF changed <> 0 THEN
        UPDATE link_counts SET links = links + changed WHERE part = pg_backend_pid() % 16;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER count_created AFTER INSERT ON links
    REFERENCING NEW TABLE AS changed_links FOR EACH STATEMENT EXECUTE FUNCTION count_links();

CREATE TRIGGER count_deleted AFTER DELETE ON links
    REFERENCING OLD TABLE AS changed_links FOR EACH STATEMENT EXECUTE FUNCTION count_links();

CREATE TRIGGER count_truncated AFTER TRUNCATE ON links
    FOR EACH STATEMENT EXECUTE FUNCTION count_links();

INSERT INTO link_counts (part, links)
SELECT part, CASE part WHEN 0 THEN (SELECT count(*) FROM links) ELSE 0 END
FROM generate_series(0, 15) AS part
"""


def upgrade() -> None:
    """Apply. Nobody creates or deletes links between the triggers and the count: they wait."""
    for statement in _UPGRADE.split(";\n\n"):  # asyncpg prepares one statement at a time
        op.execute(statement)


def downgrade() -> None:
    """Undo."""
    for trigger in ("count_created", "count_deleted", "count_truncated"):
        op.execute(f"DROP TRIGGER {trigger} ON links")
    op.execute("DROP FUNCTION count_links()")
    op.execute("DROP TABLE link_counts")
