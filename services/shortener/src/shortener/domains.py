"""The resource `/domains`: which there are, and where each sends visitors it has no link for."""

from collections.abc import Mapping, Sequence

import msgspec
import structlog
from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response

from shared.domain_name import DomainRefusedError, is_loopback, parse_domain
from shared.redirect_host import redirect_host
from shortener.answers import json_answer
from shortener.api_keys import ApiKey
from shortener.blocked_domains import Blocks
from shortener.domain_store import DomainNotFoundError, DomainStore, StoredDomain
from shortener.named_domain import DEFAULT_NAME
from shortener.problems import domain_not_found
from shortener.request_body import read_json_object
from shortener.request_fields import Fields, given
from shortener.url_policy import leads_to_blocked

log = structlog.get_logger()

MAX_REDIRECT_LENGTH = 2048
_FIELDS = {
    "baseUrlRedirect": "base_url_redirect",
    "regular404Redirect": "regular_404_redirect",
    "invalidShortUrlRedirect": "invalid_short_url_redirect",
}


class Redirects(msgspec.Struct, frozen=True, rename="camel"):
    """Where visitors go who open the domain itself, some other path, or an unknown short URL."""

    base_url_redirect: str | None = None
    regular_404_redirect: str | None = None
    invalid_short_url_redirect: str | None = None


class DomainItem(msgspec.Struct, frozen=True, rename="camel"):
    """A domain of short URLs."""

    domain: str
    is_default: bool
    redirects: Redirects


class DomainList(msgspec.Struct, frozen=True, rename="camel"):
    """All domains, and the redirects of those that have none of their own."""

    data: Sequence[DomainItem]
    default_redirects: Redirects


class Domains:
    """One method for each call."""

    def __init__(
        self,
        store: DomainStore,
        *,
        blocks: Blocks,
        default_domain: str,
        scheme: str,
        defaults: Redirects,
    ) -> None:
        self._store = store
        self._blocks = blocks
        self._default_domain = default_domain
        self._scheme = scheme
        self._defaults = defaults

    async def list(self, request: Request, api_key: ApiKey) -> Response:
        """GET /domains."""
        items = [self._present(domain) for domain in await self._store.list(api_key.scope)]
        return json_answer({"domains": DomainList(items, self._defaults)})

    async def change_redirects(self, request: Request, api_key: ApiKey) -> Response:
        """PATCH /domains/redirects; what is absent stays, null takes away."""
        fields = Fields(await read_json_object(request))
        authority, changes = self._authority(fields), _changes(fields)
        await self._refuse_blocked(fields, changes)
        fields.raise_if_refused()
        try:
            domain = await self._store.change_redirects(authority, changes, api_key.scope)
        except DomainNotFoundError:
            raise domain_not_found(authority or self._default_domain) from None
        log.info("domain_redirects_changed", domain=authority, api_key=api_key.name)
        return json_answer(self._present(domain).redirects)

    async def _refuse_blocked(self, fields: Fields, changes: Mapping[str, str | None]) -> None:
        urls = {
            field: f"http://{host}/"
            for field, column in _FIELDS.items()
            if (host := redirect_host(changes.get(column) or ""))
        }
        blocks = await self._blocks(set(urls.values()))
        for field, url in urls.items():
            if block := blocks.get(url):
                fields.refuse(field, leads_to_blocked(block.domain, block.reason))

    def _present(self, domain: StoredDomain) -> DomainItem:
        redirects = Redirects(
            domain.base_url_redirect,
            domain.regular_404_redirect,
            domain.invalid_short_url_redirect,
        )
        if domain.authority:
            return DomainItem(domain.authority, False, redirects)
        return DomainItem(self._default_domain, True, _over(redirects, self._defaults))

    def _authority(self, fields: Fields) -> str:
        text = given(fields.text("domain"), "")
        if text == DEFAULT_NAME:
            return ""
        if not text:
            fields.refuse("domain", "is required")
            return ""
        try:
            authority = parse_domain(text, self._scheme)
        except DomainRefusedError as error:
            fields.refuse("domain", str(error))
            return ""
        if authority == self._default_domain:
            return ""
        if is_loopback(authority):
            fields.refuse("domain", "is a loopback address")
        return authority


def _changes(fields: Fields) -> Mapping[str, str | None]:
    changes: dict[str, str | None] = {}
    for field, column in _FIELDS.items():
        text = fields.text(field)
        if text is UNSET:
            continue
        if text is not None and len(text) > MAX_REDIRECT_LENGTH:
            fields.refuse(field, f"must have at most {MAX_REDIRECT_LENGTH} characters")
        changes[column] = text or None
    return changes


def _over(own: Redirects, others: Redirects) -> Redirects:
    return Redirects(
        own.base_url_redirect or others.base_url_redirect,
        own.regular_404_redirect or others.regular_404_redirect,
        own.invalid_short_url_redirect or others.invalid_short_url_redirect,
    )
