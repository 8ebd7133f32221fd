"""What a request has behind the short code, carried on to the long URL."""

from typing import Literal
from urllib.parse import quote_from_bytes

Mode = Literal["default", "append", "ignore"]
"""More path than a short code is another address (`default`), the end of the long URL's path
(`append`), or nothing (`ignore`)."""

# What may stand in a path, but for `?` and `#`, which a request's path cannot have.
_SAFE = "%/:@!$&'()*+,;=-._~[]"


def append_path(location: str, extra: bytes) -> str:
    """Put `extra`, as it was asked, behind the path of a URL."""
    base, hash_sign, fragment = location.partition("#")
    path, question_mark, query = base.partition("?")
    longer = f"{path.rstrip('/')}/{quote_from_bytes(extra, safe=_SAFE)}"
    return f"{longer}{question_mark}{query}{hash_sign}{fragment}"
