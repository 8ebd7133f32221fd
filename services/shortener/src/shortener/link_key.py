"""Which link a request is about."""

from starlette.requests import Request

from shared.domain_name import DomainRefusedError, parse_domain
from shared.link_cache import LinkKey
from shared.short_code import is_well_formed
from shortener.named_domain import DEFAULT_NAME
from shortener.problems import short_url_not_found


def read_link_key(request: Request, default_domain: str, scheme: str) -> LinkKey:
    """Read the code of the path and the domain of the query.

    Raises:
        Problem: what neither can be is not found, without a lookup.
    """
    code = request.path_params["shortCode"]
    text = request.query_params.get("domain", "").strip()
    try:
        domain = "" if text in ("", DEFAULT_NAME) else parse_domain(text, scheme)
    except DomainRefusedError:
        raise short_url_not_found(code, text) from None
    key = ("" if domain == default_domain else domain, code)
    if not is_well_formed(code):
        raise short_url_not_found(code, key[0])
    return key
