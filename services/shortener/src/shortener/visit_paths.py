"""Which visits a request is about, as its path and query say."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from shortener.api_keys import ApiKey
from shortener.link_key import read_link_key
from shortener.named_domain import named_domain
from shortener.problems import Problem, domain_not_found, short_url_not_found, tag_not_found
from shortener.request_fields import Fields, given
from shortener.visit_scope import (
    ScopeNotFoundError,
    VisitScope,
    domain_scope,
    link_scope,
    non_orphan_scope,
    tag_scope,
)
from shortener.visit_store import FindScope


class VisitPaths:
    """Reads from a request whose visits are asked for.

    What finds them raises a `Problem` where there is nothing that could have any.
    """

    def __init__(self, default_domain: str, public_scheme: str) -> None:
        self.default_domain = default_domain
        self._scheme = public_scheme

    def short_url(self, request: Request, api_key: ApiKey) -> FindScope:
        """Of `/short-urls/{shortCode}`, with `domain` in the query."""
        key = read_link_key(request, self.default_domain, self._scheme)
        problem = short_url_not_found(key[1], key[0])
        return _found_or(problem, lambda on: link_scope(on, key, api_key))

    def tag(self, request: Request, api_key: ApiKey) -> FindScope:
        """Of `/tags/{tag}`, with `domain` in the query."""
        name = request.path_params["tag"]
        problem = tag_not_found(name)
        if "\0" in name:
            raise problem
        domain = self._domain(request)
        return _found_or(problem, lambda on: tag_scope(on, name, domain, api_key))

    def domain(self, request: Request, api_key: ApiKey) -> FindScope:
        """Of `/domains/{domain}`, which may be `DEFAULT`."""
        authority = request.path_params["domain"]
        problem = domain_not_found(authority)
        if "\0" in authority:
            raise problem
        domain = named_domain(authority, self.default_domain, self._scheme)
        return _found_or(problem, lambda on: domain_scope(on, domain or "", api_key))

    def non_orphan(self, request: Request, api_key: ApiKey) -> FindScope:
        """Of all short URLs, or with `domain` in the query those of one domain."""
        domain = self._domain(request)
        if domain is None:
            return lambda on: non_orphan_scope(on, api_key)
        return _found_or(domain_not_found(domain), lambda on: domain_scope(on, domain, api_key))

    def _domain(self, request: Request) -> str | None:
        fields = Fields.from_query(request.query_params)
        text = given(fields.text("domain"), "")
        fields.raise_if_refused()
        return named_domain(text, self.default_domain, self._scheme)


Locate = Callable[[Request, ApiKey], FindScope]


def _found_or(problem: Problem, find: FindScope) -> FindScope:
    async def found(on: Any) -> VisitScope:
        try:
            return await find(on)
        except ScopeNotFoundError:
            raise problem from None

    return found
