"""The resources `…/export`: everything at once, as CSV or NDJSON."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from shortener.api_keys import ApiKey
from shortener.export_format import Row, export_answer, read_format
from shortener.export_store import ExportStore
from shortener.request_fields import Fields, given
from shortener.short_url import ShortUrl, ShortUrlPresenter
from shortener.visit_paths import Locate, VisitPaths
from shortener.visit_query import read_visit_range
from shortener.visit_scope import ORPHAN_TYPES, VisitScope, orphan_scope

VISIT_COLUMNS = (
    "date", "type", "domain", "shortCode", "referer", "userAgent", "browser", "operatingSystem",
    "device", "potentialBot", "visitedUrl", "redirectUrl", "country",
)  # fmt: skip
LINK_COLUMNS = (
    "shortCode", "shortUrl", "longUrl", "dateCreated", "domain", "title", "tags", "validSince",
    "validUntil", "maxVisits", "crawlable", "forwardQuery", "visits", "nonBotVisits",
    "botVisits",
)  # fmt: skip


class Exports:
    """One method for each of them."""

    def __init__(
        self, *, store: ExportStore, paths: VisitPaths, presenter: ShortUrlPresenter
    ) -> None:
        self._store = store
        self._paths = paths
        self._presenter = presenter

    async def short_urls(self, request: Request, api_key: ApiKey) -> Response:
        """GET /short-urls/export."""
        fields = Fields.from_query(request.query_params)
        kind = read_format(fields)
        fields.raise_if_refused()
        return await export_answer(kind, "short-urls", LINK_COLUMNS, self._links(api_key))

    async def of_short_url(self, request: Request, api_key: ApiKey) -> Response:
        """GET /short-urls/{shortCode}/visits/export."""
        return await self._visits(self._paths.short_url, request, api_key)

    async def of_tag(self, request: Request, api_key: ApiKey) -> Response:
        """GET /tags/{tag}/visits/export."""
        return await self._visits(self._paths.tag, request, api_key)

    async def of_domain(self, request: Request, api_key: ApiKey) -> Response:
        """GET /domains/{domain}/visits/export."""
        return await self._visits(self._paths.domain, request, api_key)

    async def non_orphan(self, request: Request, api_key: ApiKey) -> Response:
        """GET /visits/non-orphan/export."""
        return await self._visits(self._paths.non_orphan, request, api_key)

    async def orphan(self, request: Request, api_key: ApiKey) -> Response:
        """GET /visits/orphan/export; empty for a key that sees none."""
        kinds = ORPHAN_TYPES if api_key.sees_orphan_visits else ()
        fields = Fields.from_query(request.query_params)
        if chosen := given(fields.choice("type", ORPHAN_TYPES), ""):
            kinds = tuple(kind for kind in kinds if kind == chosen)
        fields.raise_if_refused()

        async def find(_: object) -> VisitScope:
            return orphan_scope(kinds)

        return await self._visits(lambda *_: find, request, api_key)

    async def _visits(self, locate: Locate, request: Request, api_key: ApiKey) -> Response:
        fields = Fields.from_query(request.query_params)
        kind = read_format(fields)
        visit_range = read_visit_range(fields)
        fields.raise_if_refused()
        chunks = _visit_rows(self._store.visits(locate(request, api_key), visit_range))
        return await export_answer(kind, "visits", VISIT_COLUMNS, chunks)

    async def _links(self, api_key: ApiKey) -> AsyncIterator[Sequence[Row]]:
        async for links in self._store.links(api_key):
            yield [_link_row(self._presenter.present(link)) for link in links]


async def _visit_rows(chunks: AsyncIterator[Sequence[Any]]) -> AsyncIterator[Sequence[Row]]:
    async for rows in chunks:
        yield [_visit_row(row) for row in rows]


def _visit_row(row: Any) -> Row:
    return {
        "date": row["clicked_at"].astimezone(UTC).isoformat(timespec="milliseconds"),
        "type": row["type"],
        "domain": row["domain"],
        "shortCode": row["short_code"],
        "referer": row["referer"],
        "userAgent": row["user_agent"],
        "browser": row["browser"],
        "operatingSystem": row["operating_system"],
        "device": row["device"],
        "potentialBot": row["is_bot"],
        "visitedUrl": row["visited_url"],
        "redirectUrl": row["redirect_url"],
        "country": row["country"],
    }


def _link_row(short_url: ShortUrl) -> Row:
    members: dict[str, Any] = msgspec.to_builtins(short_url)
    summary = members["visitsSummary"]
    return {
        **members,
        **members["meta"],
        "visits": summary["total"],
        "nonBotVisits": summary["nonBots"],
        "botVisits": summary["bots"],
    }
