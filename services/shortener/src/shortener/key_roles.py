"""What a key of the API may be limited to: the roles of Shlink's keys, under their names."""

from enum import StrEnum


class Role(StrEnum):
    """One limit; a key may have several, and one without any may do everything."""

    AUTHORED_SHORT_URLS = "AUTHORED_SHORT_URLS"
    """Sees and changes only short URLs that were created with it."""

    DOMAIN_SPECIFIC = "DOMAIN_SPECIFIC"
    """Sees, changes and creates only short URLs of one domain."""

    NO_ORPHAN_VISITS = "NO_ORPHAN_VISITS"
    """Is shown no orphan visits, as if there were none."""
