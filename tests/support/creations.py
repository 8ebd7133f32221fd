"""Builders of what the API is asked to create."""

from typing import Any

from shortener.short_url_body import ShortUrlCreation
from shortener.url_policy import LongUrl


def a_creation(**changes: Any) -> ShortUrlCreation:
    """Make a plain creation, with `changes`."""
    values: dict[str, Any] = {
        "long_url": LongUrl("https://example.org/", "example.org"),
        "custom_slug": None,
        "path_prefix": "",
        "short_code_length": 7,
        "domain": "",
        "tags": (),
        "title": None,
        "valid_since": None,
        "valid_until": None,
        "max_visits": None,
        "crawlable": False,
        "forward_query": True,
        "find_if_exists": False,
    }
    return ShortUrlCreation(**{**values, **changes})
