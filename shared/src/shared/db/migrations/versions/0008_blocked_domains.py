"""Blocked destinations: the domains, the links that are down for one, and an index on hosts.

A destination's host is indexed backwards, so that a domain and all its subdomains are one range
("moc.elpmaxe" to "moc.elpmaxe/"). While the index is made, who writes links waits: some seconds
for each million of them. Where that is too long, make it beforehand with CREATE INDEX
CONCURRENTLY, after `reversed_host`, and it is found here.

A link with redirect rules has many hosts: of these, each with all domains above it is indexed, so
that the links of a domain are those that have it.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_UPGRADE = """
CREATE TABLE blocked_domains (
    domain text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    reason text DEFAULT '' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT blocked_domains_pkey PRIMARY KEY (domain, source)
);

CREATE TABLE block_changes (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT block_changes_pkey PRIMARY KEY,
    domain text COLLATE "C" NOT NULL,
    due_at timestamptz DEFAULT now() NOT NULL,
    passes_left smallint DEFAULT 2 NOT NULL
);

ALTER TABLE links ADD COLUMN blocked_by text COLLATE "C";

CREATE OR REPLACE FUNCTION reversed_host(url text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT pg_catalog.reverse(
        pg_catalog.substring(url, '^[^:/?#]+://(\\[[^]]*\\]|[^/:?#]*)')
    )
$$;

CREATE INDEX IF NOT EXISTS links_reversed_host_idx
    ON links ((reversed_host(long_url) COLLATE "C"), id);

CREATE OR REPLACE FUNCTION url_domains(url text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN (
    SELECT array_agg(array_to_string(labels[first:], '.'))
    FROM (SELECT string_to_array(reverse(reversed_host(url)), '.') AS labels) AS host,
        generate_subscripts(labels, 1) AS first
);

CREATE OR REPLACE FUNCTION rule_domains(rules jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN (
    SELECT array_agg(DISTINCT domain)
    FROM jsonb_array_elements(rules) AS rule, unnest(url_domains(rule ->> 'longUrl')) AS domain
);

CREATE INDEX IF NOT EXISTS links_rule_domains_idx
    ON links USING gin (rule_domains(rules)) WHERE rules IS NOT NULL;

CREATE FUNCTION blocking_domain(domains text[]) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT domain FROM blocked_domains WHERE domain = ANY(domains)
    ORDER BY length(domain), source LIMIT 1
$$
"""


def upgrade() -> None:
    """Apply."""
    for statement in _UPGRADE.split(";\n\n"):  # asyncpg prepares one statement at a time
        op.execute(statement)


def downgrade() -> None:
    """Undo. Links that were down lead to their destinations again once their rows are read."""
    op.execute("DROP FUNCTION blocking_domain(text[])")
    op.execute("DROP INDEX links_rule_domains_idx")
    op.execute("DROP INDEX links_reversed_host_idx")
    op.execute("DROP FUNCTION rule_domains(jsonb)")
    op.execute("DROP FUNCTION url_domains(text)")
    op.execute("DROP FUNCTION reversed_host(text)")
    op.execute("ALTER TABLE links DROP COLUMN blocked_by")
    op.execute("DROP TABLE block_changes")
    op.execute("DROP TABLE blocked_domains")
