"""Visits that links bring along from elsewhere, answers that are given once, and who changed what.

Imported visits are columns of the link, not clicks: so the rollups stay the sum of the rows of
`clicks`. In `link_visits` and `tag_counts` they are: a new link brings them along, and a trigger
notes what an import adds later. That runs only when an UPDATE names these columns, so redirects
that count down a visit limit do not pay for it. Both columns have a constant default, so adding
them rewrites nothing.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_UPGRADE = """
ALTER TABLE links
    ADD COLUMN imported_visits bigint NOT NULL DEFAULT 0,
    ADD COLUMN imported_bot_visits bigint NOT NULL DEFAULT 0;

CREATE FUNCTION note_imported() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO link_visit_changes (links, link_ids) VALUES (1, ARRAY[NEW.id]);
    RETURN NULL;
END
$$;

CREATE TRIGGER note_imported AFTER UPDATE OF imported_visits, imported_bot_visits ON links
    FOR EACH ROW EXECUTE FUNCTION note_imported();

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

_VISITS_OF_NEW = "imported_visits, imported_visits - imported_bot_visits"
_SUMS_OF_CLICKS = """coalesce(sum(clicks), 0)::bigint AS visits,
            coalesce(sum(clicks) FILTER (WHERE NOT is_bot), 0)::bigint AS non_bot_visits"""
_SUMS = """(imported_visits + coalesce(sum(clicks), 0))::bigint AS visits,
            (imported_visits - imported_bot_visits
                + coalesce(sum(clicks) FILTER (WHERE NOT is_bot), 0))::bigint AS non_bot_visits"""

# Both as they were before, but for what they sum up.
_NOTE_LINKS = """
CREATE OR REPLACE FUNCTION note_links() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO link_visits (link_id, visits, non_bot_visits)
        SELECT id, @visits FROM changed_links;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO link_tag_changes (link_id, tag_id, links)
        SELECT id, NULL, -1 FROM changed_links;
    ELSE
        TRUNCATE link_visits, tag_counts, link_visit_changes, link_tag_changes;
    END IF;
    RETURN NULL;
END
$$
"""

_RECOUNT = """
CREATE OR REPLACE FUNCTION recount_visits() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('count folding'));
    WITH noted_visits AS (DELETE FROM link_visit_changes),
    noted_tags AS (DELETE FROM link_tag_changes),
    summed AS MATERIALIZED (
        SELECT id AS link_id, @sums
        FROM links LEFT JOIN click_counts_total ON link_id = id AND type = 'link'
        GROUP BY id
    ),
    untagged AS (
        DELETE FROM tag_counts
        WHERE NOT EXISTS (SELECT FROM link_tags WHERE link_tags.tag_id = tag_counts.tag_id)
    ),
    tagged AS (
        INSERT INTO tag_counts (tag_id, links, visits, non_bot_visits)
        SELECT tag_id, count(*), sum(visits), sum(non_bot_visits)
        FROM link_tags JOIN summed USING (link_id) GROUP BY tag_id
        ON CONFLICT (tag_id) DO UPDATE SET links = excluded.links, visits = excluded.visits,
            non_bot_visits = excluded.non_bot_visits
    ),
    deleted AS (
        DELETE FROM link_visits
        WHERE NOT EXISTS (SELECT FROM links WHERE links.id = link_visits.link_id)
    )
    INSERT INTO link_visits AS counts (link_id, visits, non_bot_visits)
    SELECT link_id, visits, non_bot_visits FROM summed
    ON CONFLICT (link_id) DO UPDATE SET visits = excluded.visits,
        non_bot_visits = excluded.non_bot_visits
    WHERE (counts.visits, counts.non_bot_visits) <> (excluded.visits, excluded.non_bot_visits);
END
$$
"""


def upgrade() -> None:
    """Apply."""
    for statement in _UPGRADE.split(";\n\n"):  # asyncpg prepares one statement at a time
        op.execute(statement)
    op.execute(_NOTE_LINKS.replace("@visits", _VISITS_OF_NEW))
    op.execute(_RECOUNT.replace("@sums", _SUMS))


def downgrade() -> None:
    """Undo."""
    op.execute(_NOTE_LINKS.replace("@visits", "0, 0"))
    op.execute(_RECOUNT.replace("@sums", _SUMS_OF_CLICKS))
    op.execute("DROP FUNCTION note_imported CASCADE")
    op.execute("DROP TABLE audit_log")
    op.execute("DROP TABLE idempotent_answers")
    op.execute("ALTER TABLE links DROP COLUMN imported_bot_visits, DROP COLUMN imported_visits")
    op.execute("SELECT recount_visits()")
