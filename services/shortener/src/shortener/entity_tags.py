"""Entity tags: what an answer is known by, so that it need not be sent or overwritten blindly.

A link's tag begins with its version. Reads compare the whole tag, since visits change an answer
too; edits compare the version alone, so that a visit in between does not refuse an edit.
"""

import hashlib
import re

from shortener.link_change import Versions

_DIGEST_BYTES = 12
_TAG = re.compile(r'(?:W/)?("[^"]*")')
_VERSION = re.compile(r'"(\d{1,18})\.', re.ASCII)


def tag_of(body: bytes) -> str:
    """Return the tag of an answer."""
    return f'"{_digest(body)}"'


def tag_of_link(version: int, body: bytes) -> str:
    """Return the tag of an answer that shows one link."""
    return f'"{version}.{_digest(body)}"'


def is_among(tag: str, if_none_match: str) -> bool:
    """Tell whether the header lists the tag; weak and strong ones are equal here."""
    return if_none_match.strip() == "*" or tag in _TAG.findall(if_none_match)


def versions_of(if_match: str | None) -> Versions:
    """Return the versions that an `If-Match` header lists; None if any will do."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = (_VERSION.match(tag) for tag in _TAG.findall(if_match))
    return {int(match[1]) for match in found if match is not None}


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=_DIGEST_BYTES).hexdigest()
