"""The resources `…/statistics`: HTTP on the one side, the search on the other."""

from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from shortener.answers import json_answer
from shortener.api_keys import ApiKey
from shortener.request_fields import Fields
from shortener.statistics_answer import statistics_answer
from shortener.statistics_query import StatisticsQuery, read_statistics_query
from shortener.statistics_search import Found, StatisticsSearch, one_scope
from shortener.visit_paths import Locate, VisitPaths
from shortener.visit_scope import every_scope, orphan_scopes


class VisitStatistics:
    """One method for each of them."""

    def __init__(
        self, *, search: StatisticsSearch, paths: VisitPaths, now: Callable[[], datetime]
    ) -> None:
        self._search = search
        self._paths = paths
        self._now = now

    async def of_short_url(self, request: Request, api_key: ApiKey) -> Response:
        """GET /short-urls/{shortCode}/statistics."""
        return await self._of(self._paths.short_url, request, api_key)

    async def of_tag(self, request: Request, api_key: ApiKey) -> Response:
        """GET /tags/{tag}/statistics."""
        return await self._of(self._paths.tag, request, api_key)

    async def of_domain(self, request: Request, api_key: ApiKey) -> Response:
        """GET /domains/{domain}/statistics."""
        return await self._of(self._paths.domain, request, api_key)

    async def non_orphan(self, request: Request, api_key: ApiKey) -> Response:
        """GET /visits/non-orphan/statistics."""
        return await self._of(self._paths.non_orphan, request, api_key)

    async def orphan(self, request: Request, api_key: ApiKey) -> Response:
        """GET /visits/orphan/statistics; nothing for a key that sees no orphans."""
        query = self._query(request)
        found = await self._search.find(lambda _: orphan_scopes(api_key), query)
        return _answer(query, found)

    async def everything(self, request: Request, api_key: ApiKey) -> Response:
        """GET /visits/statistics."""
        query = self._query(request)
        found = await self._search.find(lambda on: every_scope(on, api_key), query)
        return _answer(query, found)

    async def _of(self, locate: Locate, request: Request, api_key: ApiKey) -> Response:
        query = self._query(request)
        find = one_scope(locate(request, api_key))
        return _answer(query, await self._search.find(find, query))

    def _query(self, request: Request) -> StatisticsQuery:
        fields = Fields.from_query(request.query_params)
        query = read_statistics_query(fields, self._now)
        fields.raise_if_refused()
        return query


def _answer(query: StatisticsQuery, found: Found) -> Response:
    return json_answer({"statistics": statistics_answer(query, found)})
