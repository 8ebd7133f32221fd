"""The resource `/short-urls`: HTTP on the one side, the stores on the other."""

from collections.abc import Mapping

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from shared.link_cache import LinkKey
from shortener.answers import json_answer
from shortener.api_keys import ApiKey
from shortener.blocked_domains import BlockedDomains
from shortener.link_change import LinkNotFoundError
from shortener.link_creation import NoFreeCodeError, ShortCodeTakenError
from shortener.link_deletion import TooManyVisitsError
from shortener.link_edit import ValidityOrderError
from shortener.link_key import read_link_key
from shortener.link_search import LinkSearch
from shortener.link_store import LinkStore
from shortener.pagination import paginate
from shortener.problems import (
    invalid_data,
    non_unique_slug,
    service_unavailable,
    short_url_not_found,
    undeletable_short_url,
)
from shortener.request_body import read_json_object
from shortener.request_fields import Fields
from shortener.short_url import ShortUrlPresenter
from shortener.short_url_body import BodyReader, refuse_blocked, refuse_own_domain
from shortener.short_url_list import read_query
from shortener.stored_link import StoredLink
from shortener.url_policy import LongUrl

log = structlog.get_logger()


class ShortUrls:
    """One method for each HTTP method of the list and of an item."""

    def __init__(
        self,
        *,
        links: LinkStore,
        search: LinkSearch,
        blocked: BlockedDomains,
        bodies: BodyReader,
        presenter: ShortUrlPresenter,
        deletion_threshold: int | None,
    ) -> None:
        self._links = links
        self._search = search
        self._blocked = blocked
        self._bodies = bodies
        self._presenter = presenter
        self._deletion_threshold = deletion_threshold

    async def create(self, request: Request, api_key: ApiKey) -> Response:
        """POST /short-urls."""
        link = await self._create(await read_json_object(request), api_key)
        return self._answer(link)

    async def shorten(self, request: Request, api_key: ApiKey) -> Response:
        """GET /short-urls/shorten, the one-step create that Shlink has had from its beginning."""
        if request.method == "HEAD":  # which must not change anything
            return Response(media_type="application/json")
        query = request.query_params
        wanted = query.get("format") or _format_of(request.headers.get("Accept", ""))
        link = await self._create({"longUrl": query.get("longUrl", "")}, api_key)
        if wanted == "txt":
            return Response(self._presenter.present(link).short_url, media_type="text/plain")
        return self._answer(link)

    async def _create(self, body: Mapping[str, object], api_key: ApiKey) -> StoredLink:
        if api_key.scope.domain is not None:
            body = {**body, "domain": api_key.scope.domain}
        fields = Fields(body)
        creation = self._bodies.creation(fields)
        await self._check(fields, creation.long_url)
        try:
            link = await self._links.create(creation, api_key.id, api_key.scope)
        except ShortCodeTakenError:
            slug = creation.custom_slug or ""
            raise non_unique_slug(slug, creation.domain) from None
        except NoFreeCodeError:
            detail = "No free short code was found; ask for a longer one."
            raise service_unavailable(detail) from None
        _log_change("link_created", link.key, api_key)
        return link

    async def list(self, request: Request, api_key: ApiKey) -> Response:
        """GET /short-urls."""
        fields = Fields.from_query(request.query_params)
        query = read_query(fields, self._bodies.default_domain, self._bodies.public_scheme)
        links, total = await self._search.find_page(query, api_key.scope)
        data = [self._presenter.present(link) for link in links]
        page = paginate(query, data, total)
        return json_answer({"shortUrls": page})

    async def get(self, request: Request, api_key: ApiKey) -> Response:
        """GET /short-urls/{shortCode}."""
        key = self._key(request)
        try:
            return self._answer(await self._links.find(key, api_key.scope))
        except LinkNotFoundError:
            raise _not_found(key) from None

    async def edit(self, request: Request, api_key: ApiKey) -> Response:
        """PATCH /short-urls/{shortCode}; a bad body is told before an unknown code."""
        fields = Fields(await read_json_object(request))
        edit = self._bodies.edit(fields)
        await self._check(fields, edit.long_url)
        key = self._key(request)
        try:
            link = await self._links.edit(key, edit, api_key.scope)
        except LinkNotFoundError:
            raise _not_found(key) from None
        except ValidityOrderError:
            raise invalid_data({"validUntil": "is before validSince"}) from None
        _log_change("link_edited", key, api_key)
        return self._answer(link)

    async def delete(self, request: Request, api_key: ApiKey) -> Response:
        """DELETE /short-urls/{shortCode}."""
        key = self._key(request)
        try:
            await self._links.delete(key, api_key.scope)
        except LinkNotFoundError:
            raise _not_found(key) from None
        except TooManyVisitsError:
            threshold = self._deletion_threshold or 0
            raise undeletable_short_url(key[1], key[0], threshold) from None
        _log_change("link_deleted", key, api_key)
        return Response(status_code=204)

    async def _check(self, fields: Fields, long_url: LongUrl | msgspec.UnsetType) -> None:
        """Add the checks that need the database, then raise if any field is bad."""
        if isinstance(long_url, LongUrl) and long_url.authority:
            if await self._links.is_own_domain(long_url.authority):
                refuse_own_domain(fields, long_url)
            elif block := await self._blocked.blocking(long_url.href):
                refuse_blocked(fields, block.domain, block.reason)
        fields.raise_if_refused()

    def _key(self, request: Request) -> LinkKey:
        return read_link_key(request, self._bodies.default_domain, self._bodies.public_scheme)

    def _answer(self, link: StoredLink) -> Response:
        return json_answer(self._presenter.present(link))


def _not_found(key: LinkKey) -> Exception:
    return short_url_not_found(key[1], key[0])


def _log_change(event: str, key: LinkKey, api_key: ApiKey) -> None:
    log.info(event, domain=key[0], short_code=key[1], api_key=api_key.name)


def _format_of(accept: str) -> str:
    """Return what the first known type of an Accept header stands for."""
    for item in accept.split(","):
        if "text/plain" in item:
            return "txt"
        if "json" in item:
            break
    return "json"
