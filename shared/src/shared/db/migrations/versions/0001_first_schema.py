"""First schema: links and what belongs to them, clicks, rollups, ledger.

Written as plain SQL, so that later changes of shared.db.schema cannot change what this did.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_UPGRADE = """
CREATE SEQUENCE link_version;

CREATE TYPE click_type AS ENUM ('link', 'base_url', 'invalid_short_url', 'regular_404');

CREATE TABLE api_keys (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT api_keys_pkey PRIMARY KEY,
    key_hash bytea NOT NULL CONSTRAINT api_keys_key_hash_key UNIQUE,
    name text NOT NULL CONSTRAINT api_keys_name_key UNIQUE,
    role text NOT NULL DEFAULT 'admin',
    is_enabled boolean NOT NULL DEFAULT true,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE domains (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT domains_pkey PRIMARY KEY,
    authority text COLLATE "C" NOT NULL CONSTRAINT domains_authority_key UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE links (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT links_pkey PRIMARY KEY,
    domain text COLLATE "C" NOT NULL DEFAULT '',
    short_code text COLLATE "C" NOT NULL,
    long_url text NOT NULL,
    long_url_hash bytea NOT NULL,
    title text,
    valid_since timestamptz,
    valid_until timestamptz,
    max_visits integer,
    visits_left integer,
    crawlable boolean NOT NULL DEFAULT false,
    forward_query boolean NOT NULL DEFAULT true,
    version bigint NOT NULL DEFAULT nextval('link_version'),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint CONSTRAINT links_created_by_fkey REFERENCES api_keys ON DELETE SET NULL,
    CONSTRAINT links_domain_short_code_key UNIQUE (domain, short_code)
);
CREATE INDEX links_long_url_hash_idx ON links (long_url_hash);
CREATE INDEX links_created_at_id_idx ON links (created_at, id);

CREATE TABLE tags (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT tags_pkey PRIMARY KEY,
    name text COLLATE "C" NOT NULL CONSTRAINT tags_name_key UNIQUE
);

CREATE TABLE link_tags (
    link_id bigint NOT NULL CONSTRAINT link_tags_link_id_fkey REFERENCES links ON DELETE CASCADE,
    tag_id bigint NOT NULL CONSTRAINT link_tags_tag_id_fkey REFERENCES tags ON DELETE CASCADE,
    CONSTRAINT link_tags_pkey PRIMARY KEY (link_id, tag_id)
);
CREATE INDEX link_tags_tag_id_idx ON link_tags (tag_id);

CREATE TABLE link_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT link_outbox_pkey PRIMARY KEY,
    domain text COLLATE "C" NOT NULL,
    short_code text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE clicks (
    id uuid NOT NULL CONSTRAINT clicks_pkey PRIMARY KEY,
    clicked_at timestamptz NOT NULL,
    link_id bigint,
    type click_type NOT NULL,
    is_bot boolean NOT NULL,
    domain text NOT NULL,
    short_code text NOT NULL,
    visited_url text NOT NULL,
    redirect_url text,
    referer text NOT NULL,
    user_agent text NOT NULL,
    browser text,
    operating_system text,
    device text,
    accept_language text NOT NULL,
    ip inet,
    visitor text,
    request_id text NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX clicks_link_id_id_idx ON clicks (link_id, id);

CREATE TABLE click_counts_hourly (
    link_id bigint NOT NULL,
    type click_type NOT NULL,
    hour timestamptz NOT NULL,
    is_bot boolean NOT NULL,
    clicks bigint NOT NULL,
    CONSTRAINT click_counts_hourly_pkey PRIMARY KEY (link_id, type, hour, is_bot)
) WITH (fillfactor = 80);

CREATE TABLE click_counts_total (
    link_id bigint NOT NULL,
    type click_type NOT NULL,
    is_bot boolean NOT NULL,
    clicks bigint NOT NULL,
    CONSTRAINT click_counts_total_pkey PRIMARY KEY (link_id, type, is_bot)
) WITH (fillfactor = 80);

CREATE TABLE click_sources (
    source uuid NOT NULL CONSTRAINT click_sources_pkey PRIMARY KEY,
    received int8multirange NOT NULL,
    stored bigint NOT NULL,
    dead_lettered bigint NOT NULL,
    first_received_at timestamptz NOT NULL DEFAULT now(),
    last_received_at timestamptz NOT NULL DEFAULT now()
)
"""

_TABLES = (
    "click_sources, click_counts_total, click_counts_hourly, clicks, link_outbox, link_tags, tags,"
    " links, domains, api_keys"
)


def upgrade() -> None:
    """Apply."""
    for statement in _UPGRADE.split(";\n"):  # asyncpg prepares one statement at a time
        op.execute(statement)


def downgrade() -> None:
    """Undo."""
    op.execute(f"DROP TABLE {_TABLES}")
    op.execute("DROP TYPE click_type")
    op.execute("DROP SEQUENCE link_version")
