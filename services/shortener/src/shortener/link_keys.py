"""Which link a request's path and query name."""

from starlette.requests import Request

from shared.link_cache import LinkKey
from shared.short_code import is_well_formed
from shortener.domain_name import DomainRefusedError, parse_domain
from shortener.problems import short_url_not_found
from shortener.short_url import ShortUrlPresenter


def read_link_key(request: Request, presenter: ShortUrlPresenter) -> LinkKey:
    """Read code and domain.

    Raises:
        Problem: no link can have them, which needs no lookup.
    """
    code = request.path_params["shortCode"]
    text = request.query_params.get("domain", "").strip()
    try:
        domain = parse_domain(text, presenter.public_scheme) if text else ""
    except DomainRefusedError:
        raise short_url_not_found(code, text) from None
    key = ("" if domain == presenter.default_domain else domain, code)
    if not is_well_formed(code):
        raise short_url_not_found(code, key[0])
    return key
