"""Where visitors are: a MaxMind database of addresses, if the operator has one.

The file is mapped, not read: of a city database of 60 MB, what lookups touch is in memory. It is
looked at again now and then, so that a newer file takes effect without a restart.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import structlog

if TYPE_CHECKING:
    from maxminddb import Reader

CACHED_ADDRESSES = 4096
"""A lookup takes 3 µs, one that is remembered a tenth of it."""

INTERVAL_S = 60.0

log = structlog.get_logger()


class Place(msgspec.Struct, frozen=True, gc=False):
    """Country (ISO 3166-1 alpha-2) and city (English), None where not known."""

    country: str | None = None
    city: str | None = None


NOWHERE = Place()


class Places(Protocol):
    """Where places are looked up."""

    def find(self, address: bytes) -> Place:
        """Tell where the address is; never fails."""


class NoPlaces:
    """Knows no place: there is no database."""

    def find(self, address: bytes) -> Place:
        """Tell nothing."""
        return NOWHERE


class MaxMindPlaces:
    """Looks places up in a file in MaxMind's format, of countries or of cities.

    While the file is missing or broken nothing is known, which the log says once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: object = None
        self._reader: Reader | None = None
        self.find: Callable[[bytes], Place] = NoPlaces().find

    async def refresh_forever(
        self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """Look at the file again and again until cancelled."""
        while True:
            await sleep(INTERVAL_S)
            self.refresh()

    def refresh(self) -> None:
        """Open the file if it is another one than before."""
        seen = self._look()
        if seen == self._seen:
            return
        self._seen = seen
        # Whoever has no database does not carry the library either.
        import maxminddb

        try:
            reader = maxminddb.open_database(self._path)
        except (OSError, maxminddb.InvalidDatabaseError, ValueError) as error:
            log.warning("geolocation_unavailable", reason=str(error))
            return
        self._reader, former = reader, self._reader
        self.find = lru_cache(CACHED_ADDRESSES)(self._find)
        log.info("geolocation_available", built=reader.metadata().build_epoch)
        if former is not None:
            former.close()

    def close(self) -> None:
        """Close the file."""
        if self._reader is not None:
            self._reader.close()

    def _look(self) -> object:
        try:
            found = self._path.stat()
        except OSError as error:
            return str(error)
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _find(self, address: bytes) -> Place:
        assert self._reader is not None  # noqa: S101 - see refresh
        try:
            record: Any = self._reader.get(address.decode("latin-1"))
            country = record["country"]["iso_code"] if "country" in record else None
            city = record["city"]["names"].get("en") if "city" in record else None
        except Exception:  # no address, or not in the database, or a record of another kind
            return NOWHERE
        return Place(country, city)
