"""What the API tells of itself: health, who changed what, and this description."""

from typing import Annotated, Any, get_args

from msgspec import UNSET, Meta, Struct, UnsetType

from shortener.api_health import Health
from shortener.audit_entries import DEFAULT_ITEMS, MAX_ID, MAX_ITEMS, AuditLog
from shortener.audit_log import Action
from shortener.openapi import members as m
from shortener.openapi.operation import Content, Operation, Operations, answer, within


class AuditLogQuery(Struct, rename="camel", kw_only=True):
    """Which entries; the next page is that `before` the `nextBefore` of this one."""

    before: Annotated[int, Meta(description="Id of an entry.", ge=1, le=MAX_ID)] | UnsetType = (
        UNSET
    )
    items_per_page: Annotated[int, Meta(ge=1, le=MAX_ITEMS)] = DEFAULT_ITEMS
    short_code: str | UnsetType = UNSET
    domain: m.DomainFilter = UNSET
    action: Annotated[str | UnsetType, m.one_of(get_args(Action), "What was done.")] = UNSET
    api_key_name: Annotated[str | UnsetType, Meta(description="Who did it.")] = UNSET
    start_date: m.StartDate = UNSET
    end_date: m.EndDate = UNSET


_HEALTH = {"application/health+json": Health}

SERVICE: Operations = {
    ("GET", "/audit-log"): Operation(
        name="listAuditLog",
        summary="List who changed what",
        description="For keys that may do everything.",
        query=(AuditLogQuery,),
        answers=within("auditLog", AuditLog, "Newest first."),
        problems=("forbidden",),
    ),
    ("GET", "/mercure-info"): Operation(
        name="getMercureInfo",
        summary="Ask for a Mercure hub, which there is not",
        answers={},
        problems=("mercure-not-configured",),
    ),
    ("GET", "/health"): Operation(
        name="getHealth",
        summary="Ask whether the API works",
        description="Also at `/rest/health`.",
        key=None,
        answers={200: Content("It does.", _HEALTH), 503: Content("It does not.", _HEALTH)},
    ),
    ("GET", "/openapi.json"): Operation(
        name="getDescription",
        summary="Get this description",
        key=None,
        answers=answer(dict[str, Any], "OpenAPI 3.1."),
    ),
    ("GET", "/docs"): Operation(
        name="browseDescription",
        summary="Read this description",
        key=None,
        answers={200: Content("A page.", {"text/html": str})},
    ),
}
