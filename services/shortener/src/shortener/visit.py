"""The JSON object that stands for a click in every answer of the API."""

from datetime import date, datetime
from functools import lru_cache

import msgspec

from shortener.country_codes import COUNTRY_NAMES


class VisitLocation(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Where a visitor was: the country, all else being kept for nobody."""

    country_code: str
    country_name: str
    region_name: str = ""
    city_name: str = ""
    latitude: float = 0.0
    longitude: float = 0.0
    timezone: str = ""
    is_empty: bool = False


class Visit(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A click on a short URL."""

    referer: str
    date: str
    user_agent: str
    visit_location: VisitLocation | None
    """None where the country is not known."""
    potential_bot: bool
    visited_url: str
    redirect_url: str | None


class OrphanVisit(Visit, frozen=True, rename="camel", gc=False):
    """A request that no short URL answered."""

    type: str


Click = tuple[str, str, datetime, str, str | None, bool, str, str | None]
"""A row of clicks: type, referer, moment (UTC), user agent, country, whether a bot's, visited URL
and redirect URL. A page has thousands of them: values by name take three times as long to get."""

_TWO_DIGITS = [f"{number:02}" for number in range(60)]


def present_visit(click: Click) -> Visit:
    """Make the JSON object of a click."""
    kind, referer, clicked_at, user_agent, country, is_bot, visited_url, redirect_url = click
    second = _to_the_second(clicked_at)
    where = _location(country) if country else None
    if kind == "link":
        return Visit(referer, second, user_agent, where, is_bot, visited_url, redirect_url)
    return OrphanVisit(referer, second, user_agent, where, is_bot, visited_url, redirect_url, kind)


def _to_the_second(moment: datetime) -> str:
    """Return what `isoformat` does, in a quarter of the time: it is half of showing a click."""
    day, two = _day(moment.toordinal()), _TWO_DIGITS
    return f"{day}T{two[moment.hour]}:{two[moment.minute]}:{two[moment.second]}+00:00"


@lru_cache(maxsize=1024)
def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


@lru_cache(maxsize=1024)
def _location(country: str) -> VisitLocation:
    return VisitLocation(country, COUNTRY_NAMES.get(country, country))
