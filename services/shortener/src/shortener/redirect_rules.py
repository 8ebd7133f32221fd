"""The resource `/short-urls/{shortCode}/redirect-rules`."""

from collections.abc import Sequence

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from shared.link_cache import LinkKey
from shared.redirect_rule import Condition
from shortener.api_keys import ApiKey
from shortener.audit_log import Author
from shortener.blocked_domains import Blocks
from shortener.link_key import read_link_key
from shortener.link_rules import rules_of
from shortener.link_store import LinkStore
from shortener.redirect_rules_body import FIELD, GivenRules, RulesReader
from shortener.request_body import read_json_object
from shortener.request_fields import Fields
from shortener.stored_link import StoredLink
from shortener.url_policy import leads_back, leads_to_blocked

log = structlog.get_logger()


class NumberedRule(msgspec.Struct, frozen=True, rename="camel"):
    """A rule and its place; the first that matches counts."""

    long_url: str
    priority: int
    conditions: Sequence[Condition]


class RuleList(msgspec.Struct, frozen=True, rename="camel"):
    """The rules of a short URL, and where it leads if none of them matches."""

    default_long_url: str
    redirect_rules: Sequence[NumberedRule]


class RedirectRules:
    """One method for each HTTP method; PATCH means the same as POST."""

    def __init__(
        self,
        *,
        links: LinkStore,
        blocks: Blocks,
        reader: RulesReader,
        public_scheme: str,
    ) -> None:
        self._links = links
        self._blocks = blocks
        self._reader = reader
        self._public_scheme = public_scheme

    async def get(self, request: Request, api_key: ApiKey) -> Response:
        """GET /short-urls/{shortCode}/redirect-rules."""
        return _answer(await self._links.find(self._key(request), api_key.scope))

    async def set(self, request: Request, api_key: ApiKey) -> Response:
        """POST /short-urls/{shortCode}/redirect-rules; an unknown code comes before a bad body."""
        key = self._key(request)
        await self._links.find(key, api_key.scope)
        body = await read_json_object(request)
        fields = Fields(body)
        given = self._reader.read(body, fields)
        await self._check_domains(fields, given)
        fields.raise_if_refused()
        link = await self._links.set_rules(key, given.rules, Author.of_request(api_key))
        log.info(
            "redirect_rules_set", domain=key[0], short_code=key[1], api_key=api_key.name,
            rules=len(given.rules),
        )  # fmt: skip
        return _answer(link)

    async def _check_domains(self, fields: Fields, given: GivenRules) -> None:
        """Refuse rules that lead back to a domain of short URLs, or to a blocked one."""
        authorities = {each for each in given.authorities if each}
        for authority in await self._links.own_domains(authorities):
            fields.refuse(FIELD, f"longUrl {leads_back(authority)}")
        for block in (await self._blocks(given.long_urls)).values():
            fields.refuse(FIELD, f"longUrl {leads_to_blocked(block.domain, block.reason)}")

    def _key(self, request: Request) -> LinkKey:
        return read_link_key(request, self._reader.default_domain, self._public_scheme)


def _answer(link: StoredLink) -> Response:
    rules = [
        NumberedRule(rule.long_url, priority, rule.conditions)
        for priority, rule in enumerate(rules_of(link), 1)
    ]
    content = msgspec.json.encode(RuleList(link.long_url, rules))
    return Response(content, media_type="application/json")
