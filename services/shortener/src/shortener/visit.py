"""The JSON object that stands for a click in every answer of the API."""

from datetime import UTC, datetime

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


Click = tuple[str, str, datetime, str, str | None, bool, str, str | None]
"""A row of clicks: type, referer, moment, user agent, country, whether a bot's, visited URL and
redirect URL. A page has thousands of them: values by name take three times as long to get."""


def present_visit(click: Click) -> Visit:
    """Make the JSON object of a click."""
    kind, referer, clicked_at, user_agent, country, is_bot, visited_url, redirect_url = click
    date = clicked_at.astimezone(UTC).isoformat(timespec="seconds")
    where = _location(country)
    if kind == "link":
        return Visit(referer, date, user_agent, where, is_bot, visited_url, redirect_url)
    return OrphanVisit(referer, date, user_agent, where, is_bot, visited_url, redirect_url, kind)


def _location(country: str | None) -> VisitLocation | None:
    if not country:
        return None
    return VisitLocation(country, COUNTRY_NAMES.get(country, country))
