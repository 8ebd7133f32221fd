"""The header `Idempotency-Key`: how a caller says that two requests are one."""

import re

from starlette.requests import Request

from shortener.api_keys import ApiKey
from shortener.idempotency import Once, fingerprint_of
from shortener.problems import invalid_data

HEADER = "Idempotency-Key"
REPLAYED_HEADERS = {"Idempotency-Replayed": "true"}
"""Of an answer that was given before."""

_ACCEPTABLE = re.compile(r"[\x21-\x7e]{1,255}")


def read_once(
    request: Request, api_key: ApiKey, what: str, content: object, max_age_s: float
) -> Once | None:
    """Return how to carry the request out once; None if its caller does not ask for that.

    `what` names the kind of request, `content` is its decoded body.

    Raises:
        Problem: the key is none.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not _ACCEPTABLE.fullmatch(key):
        raise invalid_data({HEADER: "must be 1 to 255 visible ASCII characters"})
    return Once(api_key.id, key, fingerprint_of(what, content), max_age_s)
