"""The resources of visits: HTTP on the one side, the stores on the other."""

from collections.abc import Awaitable, Callable

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from shared.day_statistics import Counts
from shortener.answers import json_answer
from shortener.api_keys import ApiKey
from shortener.named_domain import DEFAULT_NAME
from shortener.pagination import paginate
from shortener.problems import Problem, service_unavailable
from shortener.request_fields import Fields, given
from shortener.short_url import VisitsSummary
from shortener.visit import present_visit
from shortener.visit_pages import VisitPage
from shortener.visit_paths import Locate, VisitPaths
from shortener.visit_query import VisitQuery, read_visit_query
from shortener.visit_scope import ORPHAN_TYPES, orphan_scope
from shortener.visit_store import DeletionUnfinishedError, VisitStore

log = structlog.get_logger()


class VisitsOverview(msgspec.Struct, frozen=True, rename="camel"):
    """How many visits there are."""

    non_orphan_visits: VisitsSummary
    orphan_visits: VisitsSummary


class DeletedVisits(msgspec.Struct, frozen=True, rename="camel"):
    """How many visits were deleted."""

    deleted_visits: int


class Visits:
    """One method for each HTTP method of each list."""

    def __init__(self, *, store: VisitStore, paths: VisitPaths) -> None:
        self._store = store
        self._paths = paths

    async def overview(self, request: Request, api_key: ApiKey) -> Response:
        """GET /visits."""
        non_orphan, orphan = await self._store.summary(api_key)
        return json_answer({"visits": VisitsOverview(summary(non_orphan), summary(orphan))})

    async def of_short_url(self, request: Request, api_key: ApiKey) -> Response:
        """GET /short-urls/{shortCode}/visits."""
        return await self._list(self._paths.short_url, request, api_key)

    async def of_tag(self, request: Request, api_key: ApiKey) -> Response:
        """GET /tags/{tag}/visits."""
        return await self._list(self._paths.tag, request, api_key)

    async def of_domain(self, request: Request, api_key: ApiKey) -> Response:
        """GET /domains/{domain}/visits."""
        return await self._list(self._paths.domain, request, api_key)

    async def non_orphan(self, request: Request, api_key: ApiKey) -> Response:
        """GET /visits/non-orphan; of a domain that nobody knows there are none."""
        query = _read_query(request)
        find = self._paths.non_orphan(request, api_key)
        try:
            page = await self._store.page(find, query)
        except Problem:
            page = VisitPage([], 0)
        return _answer(page, query)

    async def orphan(self, request: Request, api_key: ApiKey) -> Response:
        """GET /visits/orphan."""
        fields = Fields.from_query(request.query_params)
        query = read_visit_query(fields)
        kind = given(fields.choice("type", ORPHAN_TYPES), "")
        domain = given(fields.text("domain"), "")
        visited_url = self._paths.default_domain if domain == DEFAULT_NAME else domain
        fields.raise_if_refused()
        if not api_key.sees_orphan_visits:
            return _answer(VisitPage([], 0), query)
        scope = orphan_scope((kind,) if kind else ORPHAN_TYPES)
        return _answer(await self._store.orphan_page(scope, query, visited_url), query)

    async def delete_of_short_url(self, request: Request, api_key: ApiKey) -> Response:
        """DELETE /short-urls/{shortCode}/visits."""
        find = self._paths.short_url(request, api_key)
        return await _delete(lambda: self._store.delete(find), request, api_key)

    async def delete_orphan(self, request: Request, api_key: ApiKey) -> Response:
        """DELETE /visits/orphan; a key that sees none deletes none."""
        if not api_key.sees_orphan_visits:
            return json_answer(DeletedVisits(0))
        return await _delete(self._store.delete_orphans, request, api_key)

    async def _list(self, locate: Locate, request: Request, api_key: ApiKey) -> Response:
        query = _read_query(request)
        return _answer(await self._store.page(locate(request, api_key), query), query)


def summary(counts: Counts) -> VisitsSummary:
    """Make the JSON object of counts."""
    return VisitsSummary(
        total=counts.clicks, non_bots=counts.clicks - counts.bots, bots=counts.bots
    )


def _read_query(request: Request) -> VisitQuery:
    fields = Fields.from_query(request.query_params)
    query = read_visit_query(fields)
    fields.raise_if_refused()
    return query


def _answer(page: VisitPage, query: VisitQuery) -> Response:
    data = [present_visit(click) for click in page.clicks]
    return json_answer({"visits": paginate(query, data, page.total)})


async def _delete(
    delete: Callable[[], Awaitable[int]], request: Request, api_key: ApiKey
) -> Response:
    try:
        deleted = await delete()
    except DeletionUnfinishedError as error:
        raise service_unavailable(str(error)) from None
    log.info("visits_deleted", path=request.scope["path"], visits=deleted, api_key=api_key.name)
    return json_answer(DeletedVisits(deleted))
