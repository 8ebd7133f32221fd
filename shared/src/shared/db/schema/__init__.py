"""The tables, as the newest migration leaves them; a test holds the two together.

`domain` is '' for the default domain, so that the default domain's name can change without
touching a link. Text that is compared with URLs is `COLLATE "C"`: bytewise and case-sensitive.
"""

from shared.db.schema.clicks import (
    click_counts_hourly,
    click_counts_total,
    click_deletions,
    click_deltas,
    click_sources,
    click_statistics,
    click_type,
    clicks,
    link_tag_marks,
    statistics_scope,
)
from shared.db.schema.columns import metadata
from shared.db.schema.links import (
    SEARCHED_TEXT,
    api_keys,
    block_changes,
    blocked_domains,
    domains,
    link_counts,
    link_outbox,
    link_tag_changes,
    link_tags,
    link_version,
    link_visit_changes,
    link_visits,
    links,
    tag_counts,
    tags,
)
from shared.db.schema.requests import (
    audit_log,
    idempotent_answers,
)

__all__ = [
    "SEARCHED_TEXT",
    "api_keys",
    "audit_log",
    "block_changes",
    "blocked_domains",
    "click_counts_hourly",
    "click_counts_total",
    "click_deletions",
    "click_deltas",
    "click_sources",
    "click_statistics",
    "click_type",
    "clicks",
    "domains",
    "idempotent_answers",
    "link_counts",
    "link_outbox",
    "link_tag_changes",
    "link_tag_marks",
    "link_tags",
    "link_version",
    "link_visit_changes",
    "link_visits",
    "links",
    "metadata",
    "statistics_scope",
    "tag_counts",
    "tags",
]
