"""Redirect rules of links, redirects of domains, countries of clicks, and an index for robots.txt.

Columns without a default change no row. The index has only links that are crawlable, which few
are; while it is made, who writes links waits for one reading of the table (a second for some
million links).
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE links ADD COLUMN rules jsonb")
    op.execute(
        "ALTER TABLE domains ADD COLUMN base_url_redirect text,"
        " ADD COLUMN regular_404_redirect text, ADD COLUMN invalid_short_url_redirect text"
    )
    op.execute("ALTER TABLE clicks ADD COLUMN country text")
    op.execute("CREATE INDEX links_crawlable_idx ON links (domain, short_code) WHERE crawlable")


def downgrade() -> None:
    """Undo."""
    op.execute("DROP INDEX links_crawlable_idx")
    op.execute("ALTER TABLE clicks DROP COLUMN country")
    op.execute(
        "ALTER TABLE domains DROP COLUMN base_url_redirect, DROP COLUMN regular_404_redirect,"
        " DROP COLUMN invalid_short_url_redirect"
    )
    op.execute("ALTER TABLE links DROP COLUMN rules")
