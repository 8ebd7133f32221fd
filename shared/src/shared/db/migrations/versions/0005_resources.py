"""What lists of short URLs and tags need to answer at once, and what keys of the API may do.

`link_visits` has each link's total of visits in a row that can be ordered by, `tag_counts` each
tag's. Neither is written by those who count clicks or tag links: triggers note what changed in
`link_visit_changes` and `link_tag_changes`, two tables that nobody waits for, and the shortener
folds these into the counts. Triggers note for every release that writes. The function
`recount_visits` makes both anew from what they sum up.

Of counted clicks only the links are noted, 500 in a row: for a batch of 2,900 clicks of 1,900
links that takes 0.6 ms, of which sums in a row for each link would make 3.

Made so that nobody waits: the indexes are built while links are written, the first counts are
taken in one statement that drops what was noted before it looked. So this is not one transaction,
and everything in it may be done twice.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;

ALTER TABLE api_keys
    ADD COLUMN IF NOT EXISTS roles text[] NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS domain text COLLATE "C";

ALTER TABLE domains
    ADD COLUMN IF NOT EXISTS base_url_redirect text,
    ADD COLUMN IF NOT EXISTS regular_404_redirect text,
    ADD COLUMN IF NOT EXISTS invalid_short_url_redirect text;

CREATE TABLE IF NOT EXISTS link_visits (
    link_id bigint NOT NULL CONSTRAINT link_visits_pkey PRIMARY KEY,
    visits bigint NOT NULL,
    non_bot_visits bigint NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX IF NOT EXISTS link_visits_visits_link_id_idx ON link_visits (visits, link_id);

CREATE INDEX IF NOT EXISTS link_visits_non_bot_visits_link_id_idx
    ON link_visits (non_bot_visits, link_id);

CREATE TABLE IF NOT EXISTS tag_counts (
    tag_id bigint NOT NULL CONSTRAINT tag_counts_pkey PRIMARY KEY
        CONSTRAINT tag_counts_tag_id_fkey REFERENCES tags ON DELETE CASCADE,
    links bigint NOT NULL,
    visits bigint NOT NULL,
    non_bot_visits bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS link_visit_changes (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT link_visit_changes_pkey PRIMARY KEY,
    links integer NOT NULL,
    link_ids bigint[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

ALTER TABLE link_visit_changes ALTER COLUMN link_ids SET STORAGE EXTERNAL;

CREATE TABLE IF NOT EXISTS link_tag_changes (
    link_id bigint NOT NULL,
    tag_id bigint,
    links smallint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

CREATE OR REPLACE FUNCTION note_visits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
BEGIN
    SELECT array_agg(link_id) INTO ids FROM changed_counts WHERE type = 'link';
    FOR start IN 1 .. coalesce(cardinality(ids), 0) BY 500 LOOP
        INSERT INTO link_visit_changes (links, link_ids)
        VALUES (least(500, cardinality(ids) - start + 1), ids[start : start + 499]);
    END LOOP;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION note_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO link_tag_changes (link_id, tag_id, links)
        SELECT link_id, tag_id, 1 FROM changed_tags;
    ELSE
        INSERT INTO link_tag_changes (link_id, tag_id, links)
        SELECT link_id, tag_id, -1 FROM changed_tags;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION note_links() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO link_visits (link_id, visits, non_bot_visits)
        SELECT id, 0, 0 FROM changed_links;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO link_tag_changes (link_id, tag_id, links)
        SELECT id, NULL, -1 FROM changed_links;
    ELSE
        TRUNCATE link_visits, tag_counts, link_visit_changes, link_tag_changes;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER note_created AFTER INSERT ON links
    REFERENCING NEW TABLE AS changed_links FOR EACH STATEMENT EXECUTE FUNCTION note_links();

CREATE OR REPLACE TRIGGER note_deleted AFTER DELETE ON links
    REFERENCING OLD TABLE AS changed_links FOR EACH STATEMENT EXECUTE FUNCTION note_links();

CREATE OR REPLACE TRIGGER note_truncated AFTER TRUNCATE ON links
    FOR EACH STATEMENT EXECUTE FUNCTION note_links();

CREATE OR REPLACE TRIGGER note_tagged AFTER INSERT ON link_tags
    REFERENCING NEW TABLE AS changed_tags FOR EACH STATEMENT EXECUTE FUNCTION note_tags();

CREATE OR REPLACE TRIGGER note_untagged AFTER DELETE ON link_tags
    REFERENCING OLD TABLE AS changed_tags FOR EACH STATEMENT EXECUTE FUNCTION note_tags();

CREATE OR REPLACE TRIGGER note_counted AFTER INSERT ON click_counts_total
    REFERENCING NEW TABLE AS changed_counts FOR EACH STATEMENT EXECUTE FUNCTION note_visits();

CREATE OR REPLACE TRIGGER note_counted_again AFTER UPDATE ON click_counts_total
    REFERENCING NEW TABLE AS changed_counts FOR EACH STATEMENT EXECUTE FUNCTION note_visits();

CREATE OR REPLACE TRIGGER note_uncounted AFTER DELETE ON click_counts_total
    REFERENCING OLD TABLE AS changed_counts FOR EACH STATEMENT EXECUTE FUNCTION note_visits()
"""

# All of it sees the same moment: what had been noted by then is in the sums, what is noted later
# is in neither, and is folded. The lock is that of those who fold.
_RECOUNT = """
CREATE OR REPLACE FUNCTION recount_visits() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('count folding'));
    WITH noted_visits AS (DELETE FROM link_visit_changes),
    noted_tags AS (DELETE FROM link_tag_changes),
    summed AS MATERIALIZED (
        SELECT id AS link_id, coalesce(sum(clicks), 0)::bigint AS visits,
            coalesce(sum(clicks) FILTER (WHERE NOT is_bot), 0)::bigint AS non_bot_visits
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

_INDEXES = {
    "links_search_idx": "links USING gin"
    " ((long_url || E'\\n' || short_code || E'\\n' || coalesce(title, '')) gin_trgm_ops)",
    "links_long_url_id_idx": "links (long_url, id)",
    "links_short_code_id_idx": "links (short_code, id)",
    "links_title_id_idx": "links (coalesce(title, ''), id)",
    "links_created_by_created_at_id_idx": "links (created_by, created_at, id)",
    # Also without a look at the table, and in the order of links, so that tags can be merged.
    "link_tags_tag_id_link_id_idx": "link_tags (tag_id, link_id)",
}


def upgrade() -> None:
    """Apply."""
    for statement in _TABLES.split(";\n\n"):  # asyncpg prepares one statement at a time
        op.execute(statement)
    op.execute(_RECOUNT)
    with op.get_context().autocommit_block():
        op.execute("SELECT recount_visits()")
        # To build an index so waits for every transaction there is, and nobody waits for it.
        lock_timeout = op.get_bind().exec_driver_sql("SHOW lock_timeout").scalar()
        op.execute("SET lock_timeout = 0")
        for name, definition in _INDEXES.items():
            # One that was interrupted is left behind, and is none.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {definition}")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS link_tags_tag_id_idx")
        op.execute(f"SET lock_timeout = '{lock_timeout}'")
        op.execute("ANALYZE links, link_tags, link_visits, tag_counts")


def downgrade() -> None:
    """Undo. The redirects of domains stay, being those of the migration before this too."""
    op.execute("CREATE INDEX link_tags_tag_id_idx ON link_tags (tag_id)")
    for name in _INDEXES:
        op.execute(f"DROP INDEX {name}")
    op.execute("DROP FUNCTION note_links, note_tags, note_visits, recount_visits CASCADE")
    op.execute("DROP TABLE link_visit_changes, link_tag_changes, tag_counts, link_visits")
    op.execute("ALTER TABLE api_keys DROP COLUMN roles, DROP COLUMN domain")
    op.execute("DROP EXTENSION pg_trgm")
