"""The host that the redirect of a domain leads to, as browsers read it.

Such a redirect is stored as it was given, placeholders and all. Who refuses one that leads to a
blocked domain and who takes it down must agree on where it leads.
"""

import re
from functools import lru_cache

import can_ada

_BEGINS_WITH_HOST = re.compile(r"\s*[/\\]\s*[/\\]")
_VISITED = "visited.invalid"


@lru_cache(maxsize=8192)
def redirect_host(target: str) -> str:
    """Return the host in lower case and punycode, '' where the target has none of its own."""
    # A path brings its slash along, so it ends the host.
    url = target.replace("{ORIGINAL_PATH}", "/").replace("{DOMAIN}", _VISITED)
    if _BEGINS_WITH_HOST.match(url):
        url = f"http:{url}"
    try:
        host = str(can_ada.parse(url).hostname)
    except ValueError:  # a path, or nothing that a browser opens
        return ""
    return host.removesuffix(".")
