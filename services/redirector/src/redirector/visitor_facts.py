"""What redirect rules ask about a visitor: each fact is worked out when it is asked for."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from urllib.parse import unquote_plus

from redirector.device import Device, recognise
from redirector.places import Place, Places
from redirector.request import Request, judged_user_agent
from shared.address_pattern import Address, parse_address

MIN_LANGUAGE_QUALITY = 0.9
"""What is liked less than that is no reason to be led elsewhere; Shlink's figure."""

MAX_LANGUAGES = 32
MAX_PARAMETERS = 256

_QUALITY = re.compile(r"q=(\d(?:\.\d{0,3})?)", re.IGNORECASE | re.ASCII)


class VisitorFacts:
    """One visitor, as the conditions of rules see them."""

    def __init__(self, request: Request, places: Places) -> None:
        self._request = request
        self._places = places

    @property
    def now_ms(self) -> int:
        """When the request arrived (Unix time): the same if it is retried elsewhere."""
        return self._request.started_ms

    @property
    def device(self) -> Device:
        """Device and browser."""
        return recognise(judged_user_agent(self._request))

    @cached_property
    def languages(self) -> Sequence[Sequence[str]]:
        """The languages liked most, in lower case, each with its region and other subtags."""
        text = self._request.accept_language.decode("latin-1").lower()
        items = [item.partition(";") for item in text.split(",", MAX_LANGUAGES)[:MAX_LANGUAGES]]
        return [
            tag.strip().replace("_", "-").split("-")
            for tag, _, parameters in items
            if tag.strip() not in ("", "*") and _quality(parameters) >= MIN_LANGUAGE_QUALITY
        ]

    @cached_property
    def parameters(self) -> Mapping[str, Sequence[str]]:
        """The query string: for each name its values, '' where there is none."""
        found: dict[str, list[str]] = {}
        query = self._request.query.decode("latin-1")
        for pair in query.split("&", MAX_PARAMETERS)[:MAX_PARAMETERS]:
            name, _, value = pair.partition("=")
            if name:
                found.setdefault(unquote_plus(name), []).append(unquote_plus(value))
        return found

    @cached_property
    def address(self) -> Address | None:
        """The full address."""
        return parse_address(self._request.address.decode("latin-1"))

    @cached_property
    def place(self) -> Place:
        """Where that is."""
        return self._places.find(self._request.address)


def _quality(parameters: str) -> float:
    """Read the quality of a language; what cannot be read is liked least."""
    parameters = parameters.strip()
    if not parameters:
        return 1.0
    found = _QUALITY.fullmatch(parameters)
    return float(found[1]) if found else 0.0
