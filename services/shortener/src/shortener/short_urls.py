"""The resource `/short-urls`: HTTP on the one side, the stores on the other."""

from collections.abc import Mapping
from dataclasses import replace

import structlog
from starlette.requests import Request
from starlette.responses import Response

from shared.link_cache import LinkKey
from shortener.answers import json_answer
from shortener.api_keys import ApiKey
from shortener.audit_log import Author
from shortener.checked_bodies import CheckedBodies
from shortener.entity_tags import versions_of
from shortener.idempotency import Done, Once
from shortener.idempotency_header import read_once
from shortener.link_answers import answer_link, respond
from shortener.link_change import LinkChange, Versions
from shortener.link_key import read_link_key
from shortener.link_search import LinkSearch
from shortener.link_store import LinkStore
from shortener.pagination import paginate
from shortener.request_body import read_json_object
from shortener.request_fields import Fields
from shortener.short_url import ShortUrlPresenter
from shortener.short_url_list import read_query
from shortener.stored_link import StoredLink

log = structlog.get_logger()


class ShortUrls:
    """One method for each HTTP method of the list and of an item.

    What the stores raise is a problem as it is: `error_answers` knows which.
    """

    def __init__(
        self,
        *,
        links: LinkStore,
        search: LinkSearch,
        bodies: CheckedBodies,
        presenter: ShortUrlPresenter,
        idempotency_max_age_s: float,
    ) -> None:
        self._links = links
        self._search = search
        self._bodies = bodies
        self._presenter = presenter
        self._idempotency_max_age_s = idempotency_max_age_s

    async def create(self, request: Request, api_key: ApiKey) -> Response:
        """POST /short-urls."""
        content = await read_json_object(request)
        age_s = self._idempotency_max_age_s
        once = read_once(request, api_key, "POST short-urls", content, age_s)
        if answer := await self._links.find_answer(once):
            return respond(answer, is_replayed=True)
        done = await self._create(content, api_key, once)
        return respond(done.answer, is_replayed=done.result is None)

    async def shorten(self, request: Request, api_key: ApiKey) -> Response:
        """GET /short-urls/shorten, the one-step create that Shlink has had from its beginning."""
        if request.method == "HEAD":  # which must not change anything
            return Response(media_type="application/json")
        query = request.query_params
        wanted = query.get("format") or _format_of(request.headers.get("Accept", ""))
        done = await self._create({"longUrl": query.get("longUrl", "")}, api_key)
        if wanted == "txt" and done.result is not None:
            short_url = self._presenter.present(done.result.link).short_url
            return Response(short_url, media_type="text/plain")
        return respond(done.answer)

    async def _create(
        self, content: Mapping[str, object], api_key: ApiKey, once: Once | None = None
    ) -> Done[LinkChange]:
        creation = await self._bodies.creation(content, api_key.scope)
        done = await self._links.create(
            creation,
            Author.of_request(api_key),
            lambda change: answer_link(self._presenter, change.link),
            once,
        )
        if done.result is not None:
            _log_change("link_created", done.result.link.key, api_key)
        return done

    async def list(self, request: Request, api_key: ApiKey) -> Response:
        """GET /short-urls."""
        fields = Fields.from_query(request.query_params)
        query = read_query(fields, self._presenter.default_domain, self._presenter.public_scheme)
        if not api_key.is_admin and query.api_key_name != api_key.name:
            query = replace(query, api_key_name="")  # what others made is not for it to find out
        links, total = await self._search.find_page(query, api_key.scope)
        page = paginate(query, [self._presenter.present(link) for link in links], total)
        return json_answer({"shortUrls": page})

    async def get(self, request: Request, api_key: ApiKey) -> Response:
        """GET /short-urls/{shortCode}."""
        return self._answer(await self._links.find(self._key(request), api_key.scope))

    async def edit(self, request: Request, api_key: ApiKey) -> Response:
        """PATCH /short-urls/{shortCode}; a bad body is told before an unknown code."""
        edit = await self._bodies.edit(await read_json_object(request))
        key = self._key(request)
        author = Author.of_request(api_key)
        link = await self._links.edit(key, edit, author, _versions(request))
        _log_change("link_edited", key, api_key)
        return self._answer(link)

    async def delete(self, request: Request, api_key: ApiKey) -> Response:
        """DELETE /short-urls/{shortCode}."""
        key = self._key(request)
        await self._links.delete(key, Author.of_request(api_key), _versions(request))
        _log_change("link_deleted", key, api_key)
        return Response(status_code=204)

    def _key(self, request: Request) -> LinkKey:
        presenter = self._presenter
        return read_link_key(request, presenter.default_domain, presenter.public_scheme)

    def _answer(self, link: StoredLink) -> Response:
        return respond(answer_link(self._presenter, link))


def _versions(request: Request) -> Versions:
    return versions_of(request.headers.get("If-Match"))


def _log_change(event: str, key: LinkKey, api_key: ApiKey) -> None:
    """Say in the log who changed which link."""
    log.info(event, domain=key[0], short_code=key[1], api_key=api_key.name)


def _format_of(accept: str) -> str:
    """Return what the first known type of an Accept header stands for."""
    for item in accept.split(","):
        if "text/plain" in item:
            return "txt"
        if "json" in item:
            break
    return "json"
