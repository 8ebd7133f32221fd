"""What a short code is, for everybody who reads, writes or makes one.

A code is one path segment: letters and digits of any script, emoji and most punctuation; never
white space, control characters, or what has a meaning in a URL or in HTML.
"""

import re

MAX_LENGTH = 128
"""Characters. Far above what is typed by hand, far below what a URL bar or a key may hold."""

ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""The 62 characters of random codes."""

RESERVED = frozenset(
    {
        "admin", "api", "docs", "favicon.ico", "healthz", "humans.txt", "metrics",
        "readyz", "rest", "robots.txt", "security.txt", "sitemap.xml", "static",
    }
)  # fmt: skip
"""Codes that paths of our own, now or one day, must keep free."""

# U+FFFD is what undecodable bytes become; surrogates cannot be encoded again.
# U+200D is not forbidden: it joins emoji.
_FORBIDDEN = (
    r"\s\x00-\x20\x7f-\xa0/:?#\[\]@%\\\"<>^`{|}"
    r"\u200b\u200c\u200e\u200f\u2028-\u202f\ufeff\ufffd\ud800-\udfff"
)
_WELL_FORMED = re.compile(rf"(?!\.{{1,2}}$)[^{_FORBIDDEN}]{{1,{MAX_LENGTH}}}")


def is_well_formed(text: str) -> bool:
    """Tell whether `text` can be a short code; decides without any lookup."""
    return _WELL_FORMED.fullmatch(text) is not None


def is_reserved(code: str) -> bool:
    """Tell whether a well-formed `code` is kept free for paths of our own."""
    return code.lower() in RESERVED or code.startswith(".")
