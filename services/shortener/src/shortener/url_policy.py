"""Which long URLs a link may lead to.

The WHATWG parser decides, because browsers follow it: what it makes of the text is what is stored
and sent. Private and loopback hosts are legal: the API is an internal one, links to an intranet
are what it is for, and nothing here ever connects to a long URL.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

import can_ada

from shared.domain_name import has_empty_label

MAX_LENGTH = 2048
"""Characters, after normalising."""

NEVER_ALLOWED_SCHEMES = frozenset(
    {"about", "blob", "data", "filesystem", "javascript", "vbscript"}
)
"""Schemes that run or show what the URL itself contains."""

# Normalising may shorten a URL ("/a/../b"), but none this long is meant seriously.
_MAX_GIVEN_LENGTH = 4 * MAX_LENGTH
_MAX_HOST_LENGTH = 253
_WITH_HOST = frozenset({"ftp", "http", "https", "ws", "wss"})
# The parser strips some of these, so the text would not be what somebody looked at.
_INVISIBLE = re.compile(r"[\s\x00-\x20\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True, slots=True)
class LongUrl:
    """A URL that passed: `href` in ASCII as it is stored, and the `authority` it leads to."""

    href: str
    authority: str


class LongUrlRefusedError(ValueError):
    """The URL may not be the target of a link; str() says why."""


def parse_long_url(text: str, schemes: Collection[str]) -> LongUrl:
    """Return the normalised URL.

    Raises:
        LongUrlRefusedError: it breaks a rule.
    """
    if not text:
        raise LongUrlRefusedError("must not be empty")
    if len(text) > _MAX_GIVEN_LENGTH:
        raise LongUrlRefusedError(f"is longer than {MAX_LENGTH:,} characters")
    if _INVISIBLE.search(text):
        raise LongUrlRefusedError("contains white space, a control or an invisible character")
    try:
        url = can_ada.parse(text)
    except ValueError:
        raise LongUrlRefusedError(_why_unparsable(text)) from None
    scheme = url.protocol.removesuffix(":")
    if scheme not in schemes:
        allowed = " or ".join(schemes)
        raise LongUrlRefusedError(f"scheme {scheme[:32]!r} is not allowed; use {allowed}")
    if url.username or url.password:
        raise LongUrlRefusedError("must not contain a user name or a password")
    if scheme in _WITH_HOST and (
        has_empty_label(url.hostname) or len(url.hostname) > _MAX_HOST_LENGTH
    ):
        raise LongUrlRefusedError("has no valid host")
    if len(url.href) > MAX_LENGTH:
        raise LongUrlRefusedError(f"is longer than {MAX_LENGTH:,} characters")
    return LongUrl(href=url.href, authority=url.host)


def leads_back(authority: str) -> str:
    """Say of a long URL that it leads to a domain of short URLs."""
    return f"leads back to {authority}, which is a short domain itself"


def leads_to_blocked(domain: str, reason: str) -> str:
    """Say of a long URL that it leads to a blocked domain."""
    return f"leads to {domain}, which is blocked" + (reason and f": {reason}")


def _why_unparsable(text: str) -> str:
    if _SCHEME.match(text):
        return "is not a valid URL"
    return "is not an absolute URL; it must begin with a scheme, as in https://"
