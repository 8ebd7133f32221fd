"""The host that the redirect of a domain leads to, as browsers read it.

Such a redirect is stored as it was given, placeholders and all, and no parser of URLs takes those.
Who refuses one that leads to a blocked domain and who takes it down must agree on where it leads.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import unquote

_UP_TO_HOST = re.compile(
    r"(?:https?:/*|(?:[a-z][a-z0-9+.-]*:)?//+)(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^/?#:]*)", re.IGNORECASE
)


@lru_cache(maxsize=8192)
def redirect_host(target: str) -> str:
    """Return the host in lower case and punycode, '' where the target has none of its own."""
    # A path brings its slash along, so it ends the host; a domain is the one that was visited.
    start = _UP_TO_HOST.match(target.replace("{ORIGINAL_PATH}", "/"))
    if start is None:
        return ""
    host = unquote(start[1]).lower()
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return ""  # no browser opens that
    return host.removesuffix(".") if host.isprintable() else ""


def domains_above(host: str) -> Sequence[str]:
    """Return the host and all domains that it is in, any of which may be blocked."""
    labels = host.split(".")
    return [".".join(labels[first:]) for first in range(len(labels))]
