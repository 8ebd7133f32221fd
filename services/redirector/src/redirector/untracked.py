"""Visits that leave no click: of whom the operator does not want to count, or who say so."""

from collections.abc import Sequence
from functools import lru_cache

from redirector.forwarded_query import has_parameter, without_parameter
from redirector.request import Request
from shared.address_pattern import AddressPattern, parse_address

CACHED_ADDRESSES = 8192


class Untracked:
    """Tells which requests are not recorded: with a parameter, or from certain addresses."""

    __slots__ = ("_is_own", "_parameter", "asks_for_addresses")

    def __init__(self, parameter: str, patterns: Sequence[AddressPattern]) -> None:
        self._parameter = parameter.encode()

        @lru_cache(CACHED_ADDRESSES)
        def is_own(text: bytes) -> bool:
            address = parse_address(text.decode("latin-1"))
            return address is not None and any(each.matches(address) for each in patterns)

        self._is_own = is_own if patterns else None
        self.asks_for_addresses = bool(patterns)

    def covers(self, request: Request) -> bool:
        """Tell whether the request must not be recorded."""
        return (bool(request.query) and has_parameter(request.query, self._parameter)) or (
            self._is_own is not None and self._is_own(request.address)
        )

    def forwarded(self, query: bytes) -> bytes:
        """Return the query string without the parameter, which is nobody's business but ours."""
        return without_parameter(query, self._parameter)
