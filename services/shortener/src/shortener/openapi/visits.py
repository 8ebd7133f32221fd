"""Visits: lists, deletions, statistics and exports, each for several sets of visits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, get_args

from msgspec import UNSET, Meta, Struct, UnsetType

from shortener.exports import VISIT_COLUMNS
from shortener.openapi import members as m
from shortener.openapi.many_short_urls import ExportQuery, export_content
from shortener.openapi.operation import Operation, Operations, answer, within
from shortener.openapi.short_urls import OneShortUrlQuery
from shortener.pagination import Page
from shortener.statistics_answer import Statistics
from shortener.statistics_query import DEFAULT_LIMIT, MAX_LIMIT, Unit
from shortener.visit import OrphanVisit, Visit
from shortener.visit_query import MAX_ITEMS_PER_PAGE
from shortener.visits import DeletedVisits, VisitsOverview


class OfDomain(Struct, rename="camel", kw_only=True):
    """Which of the short URLs, or of their visits."""

    domain: m.DomainFilter = UNSET


class OfType(Struct, rename="camel", kw_only=True):
    """Which orphan visits."""

    type: m.OrphanType = UNSET


class VisitRangeQuery(Struct, rename="camel", kw_only=True):
    """From when to when, and whose."""

    start_date: m.StartDate = UNSET
    end_date: m.EndDate = UNSET
    exclude_bots: m.ExcludeBots = UNSET


class VisitListQuery(VisitRangeQuery, kw_only=True, rename="camel"):
    """Which page of them."""

    page: m.Page = 1
    items_per_page: Annotated[
        int | UnsetType, Meta(description=f"All, at most {MAX_ITEMS_PER_PAGE:,}, unless given.")
    ] = UNSET


class StatisticsQuery(VisitRangeQuery, kw_only=True, rename="camel"):
    """How they are summed up."""

    unit: Annotated[str, m.one_of(get_args(Unit), "Of the series.")] = "day"
    time_zone: Annotated[
        str, Meta(description="IANA name, in which days begin.", examples=["Europe/Vienna"])
    ] = "UTC"
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="Of the top lists.")] = (
        DEFAULT_LIMIT
    )


class VisitedUrl(Struct, rename="camel", kw_only=True):
    """Which orphan visits."""

    domain: Annotated[str | UnsetType, Meta(description="A text within the visited URL.")] = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class _Set:
    """Some visits, and how they can be narrowed."""

    name: str
    of: str
    narrowed: tuple[type[Struct], ...] = ()
    problems: tuple[str, ...] = ()


_SETS: Mapping[str, _Set] = {
    "/short-urls/{shortCode}": _Set(
        name="ShortUrl",
        of="of a short URL",
        narrowed=(OneShortUrlQuery,),
        problems=("short-url-not-found",),
    ),
    "/tags/{tag}": _Set(
        name="Tag", of="of a tag", narrowed=(OfDomain,), problems=("tag-not-found",)
    ),
    "/domains/{domain}": _Set(name="Domain", of="of a domain", problems=("domain-not-found",)),
    "/visits/non-orphan": _Set(
        name="NonOrphan",
        of="of all short URLs",
        narrowed=(OfDomain,),
        problems=("domain-not-found",),
    ),
    "/visits/orphan": _Set(name="Orphan", of="that no short URL answered"),
}


def _operations(path: str, each: _Set) -> Operations:
    is_orphan = path == "/visits/orphan"
    lists = path if path.startswith("/visits") else f"{path}/visits"
    return {
        ("GET", lists): Operation(
            name=f"list{each.name}Visits",
            summary=f"List the visits {each.of}",
            query=(VisitListQuery, *each.narrowed, *((OfType, VisitedUrl) if is_orphan else ())),
            answers=within("visits", Page[OrphanVisit] if is_orphan else Page[Visit]),
            problems=each.problems,
        ),
        ("GET", f"{path}/statistics"): Operation(
            name=f"get{each.name}Statistics",
            summary=f"Sum up the visits {each.of}",
            query=(StatisticsQuery, *each.narrowed),
            answers=within("statistics", Statistics),
            problems=each.problems,
        ),
        ("GET", f"{lists}/export"): Operation(
            name=f"export{each.name}Visits",
            summary=f"Export the visits {each.of}",
            query=(
                ExportQuery,
                VisitRangeQuery,
                *each.narrowed,
                *((OfType,) if is_orphan else ()),
            ),
            answers={200: export_content(VISIT_COLUMNS)},
            problems=each.problems,
        ),
    }


VISITS: Operations = {
    ("GET", "/visits"): Operation(
        name="getVisitsOverview",
        summary="Count all visits",
        answers=within("visits", VisitsOverview),
    ),
    ("GET", "/visits/statistics"): Operation(
        name="getStatistics",
        summary="Sum up all visits",
        query=(StatisticsQuery,),
        answers=within("statistics", Statistics),
    ),
    **{key: each for path, some in _SETS.items() for key, each in _operations(path, some).items()},
    ("DELETE", "/short-urls/{shortCode}/visits"): Operation(
        name="deleteShortUrlVisits",
        summary="Delete the visits of a short URL, and count from zero",
        query=(OneShortUrlQuery,),
        answers=answer(DeletedVisits, "Deleted."),
        problems=("short-url-not-found",),
    ),
    ("DELETE", "/visits/orphan"): Operation(
        name="deleteOrphanVisits",
        summary="Delete the visits that no short URL answered",
        answers=answer(DeletedVisits, "Deleted."),
    ),
}
