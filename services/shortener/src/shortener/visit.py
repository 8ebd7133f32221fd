"""The JSON object that stands for a click in every answer of the API."""

from datetime import UTC
from typing import Any, Protocol

import msgspec

from shortener.country_codes import COUNTRY_NAMES


class VisitLocation(msgspec.Struct, frozen=True, rename="camel"):
    """Where a visitor was: the country, all else being kept for nobody."""

    country_code: str
    country_name: str
    region_name: str = ""
    city_name: str = ""
    latitude: float = 0.0
    longitude: float = 0.0
    timezone: str = ""
    is_empty: bool = False


class Visit(msgspec.Struct, frozen=True, rename="camel"):
    """A click on a short URL."""

    referer: str
    date: str
    user_agent: str
    visit_location: VisitLocation | None
    """None where the country is not known."""
    potential_bot: bool
    visited_url: str
    redirect_url: str | None


class OrphanVisit(Visit, frozen=True, rename="camel"):
    """A request that no short URL answered."""

    type: str


class Click(Protocol):
    """A row of clicks, by the names of its columns."""

    def __getitem__(self, name: Any, /) -> Any:
        """Return a value."""


def present_visit(row: Click) -> Visit:
    """Make the JSON object of a row of clicks."""
    return (
        OrphanVisit(**_members(row), type=row["type"])
        if row["type"] != "link"
        else Visit(**_members(row))
    )


def _members(row: Click) -> dict[str, Any]:
    return {
        "referer": row["referer"],
        "date": row["clicked_at"].astimezone(UTC).isoformat(timespec="seconds"),
        "user_agent": row["user_agent"],
        "visit_location": _location(row["country"]),
        "potential_bot": row["is_bot"],
        "visited_url": row["visited_url"],
        "redirect_url": row["redirect_url"],
    }


def _location(country: str | None) -> VisitLocation | None:
    if not country:
        return None
    return VisitLocation(country, COUNTRY_NAMES.get(country, country))
