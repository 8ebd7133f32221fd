"""Which visits a request is about, as its path and query say."""

from collections.abc import Callable

from starlette.requests import Request

from shortener.api_keys import ApiKey
from shortener.domain_name import named_domain
from shortener.link_key import read_link_key
from shortener.problems import domain_not_found, short_url_not_found, tag_not_found
from shortener.request_fields import Fields, given
from shortener.visit_scope import (
    domain_scope,
    link_scope,
    non_orphan_scope,
    tag_scope,
)
from shortener.visit_store import FindScope


class VisitPaths:
    """Reads from a request whose visits are asked for; with the problem where there are none."""

    def __init__(self, default_domain: str, public_scheme: str) -> None:
        self._default_domain = default_domain
        self._scheme = public_scheme

    def short_url(self, request: Request, api_key: ApiKey) -> tuple[FindScope, Exception]:
        """Of `/short-urls/{shortCode}`, with `domain` in the query."""
        key = read_link_key(request, self._default_domain, self._scheme)
        return (lambda on: link_scope(on, key, api_key)), short_url_not_found(key[1], key[0])

    def tag(self, request: Request, api_key: ApiKey) -> tuple[FindScope, Exception]:
        """Of `/tags/{tag}`, with `domain` in the query."""
        name = request.path_params["tag"]
        problem = tag_not_found(name)
        if "\0" in name:
            raise problem
        domain = self._domain(request)
        return (lambda on: tag_scope(on, name, domain, api_key)), problem

    def domain(self, request: Request, api_key: ApiKey) -> tuple[FindScope, Exception]:
        """Of `/domains/{domain}`, which may be `DEFAULT`."""
        authority = request.path_params["domain"]
        problem = domain_not_found(authority)
        if "\0" in authority:
            raise problem
        domain = named_domain(authority, self._default_domain, self._scheme)
        return (lambda on: domain_scope(on, domain or "", api_key)), problem

    def non_orphan(self, request: Request, api_key: ApiKey) -> tuple[FindScope, Exception]:
        """Of all short URLs, or with `domain` in the query those of one domain."""
        domain = self._domain(request)
        problem = domain_not_found(domain or "")
        if domain is None:
            return (lambda on: non_orphan_scope(on, api_key)), problem
        return (lambda on: domain_scope(on, domain, api_key)), problem

    def _domain(self, request: Request) -> str | None:
        fields = Fields.from_query(request.query_params)
        text = given(fields.text("domain"), "")
        fields.raise_if_refused()
        return named_domain(text, self._default_domain, self._scheme)


Locate = Callable[[Request, ApiKey], tuple[FindScope, Exception]]
