"""The resource `/audit-log`: who changed what, for keys that may do everything."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from shortener.answers import json_answer
from shortener.api_keys import ApiKey
from shortener.audit_log import Action
from shortener.audit_search import AuditQuery, AuditSearch
from shortener.date_range import read_date_range
from shortener.named_domain import named_domain
from shortener.problems import forbidden
from shortener.request_fields import Fields, given
from shortener.short_url import ShortUrlPresenter

DEFAULT_ITEMS, MAX_ITEMS = 50, 500
MAX_ID = 2**63 - 1


class AuditLogEntry(msgspec.Struct, frozen=True, rename="camel"):
    """One change; `before` and `after` are what was changed, null where it was not there."""

    id: int
    date: str
    action: str
    api_key_name: str
    request_id: str | None
    short_code: str
    domain: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class AuditPagination(msgspec.Struct, frozen=True, rename="camel"):
    """The next page is that `before` the entry `nextBefore`; null on the last."""

    items_in_current_page: int
    next_before: int | None


class AuditLog(msgspec.Struct, frozen=True):
    """One page of it."""

    data: Sequence[AuditLogEntry]
    pagination: AuditPagination


class AuditEntries:
    """Pages by key: `nextBefore` of one page is `before` of the next, null on the last."""

    def __init__(self, *, search: AuditSearch, presenter: ShortUrlPresenter) -> None:
        self._search = search
        self._presenter = presenter

    async def list(self, request: Request, api_key: ApiKey) -> Response:
        """GET /audit-log."""
        if not api_key.is_admin:
            raise forbidden("read the audit log")
        query = self._read(Fields.from_query(request.query_params))
        found = await self._search.find_page(query)
        page = found[: query.items_per_page]
        next_before = page[-1].id if len(found) > len(page) else None
        pagination = AuditPagination(len(page), next_before)
        return json_answer({"auditLog": AuditLog([_shown(row) for row in page], pagination)})

    def _read(self, fields: Fields) -> AuditQuery:
        presenter = self._presenter
        start, end = read_date_range(fields)
        query = AuditQuery(
            before=given(fields.integer("before", 1, MAX_ID), None),
            items_per_page=given(fields.integer("itemsPerPage", 1, MAX_ITEMS), DEFAULT_ITEMS),
            short_code=given(fields.text("shortCode"), None),
            domain=named_domain(
                given(fields.text("domain"), ""),
                presenter.default_domain,
                presenter.public_scheme,
            ),
            action=given(fields.choice("action", get_args(Action)), None),
            api_key_name=given(fields.text("apiKeyName"), None),
            start_date=start,
            end_date=end,
        )
        fields.raise_if_refused()
        return query


def _shown(row: Any) -> AuditLogEntry:
    return AuditLogEntry(
        id=row.id,
        date=row.occurred_at.astimezone(UTC).isoformat(timespec="seconds"),
        action=row.action,
        api_key_name=row.api_key_name,
        request_id=row.request_id,
        short_code=row.short_code,
        domain=row.domain or None,
        before=row.before,
        after=row.after,
    )
