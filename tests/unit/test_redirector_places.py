"""Where addresses are, by a database in MaxMind's format that may come, go and change."""

from pathlib import Path

import pytest
import structlog

from redirector.places import NOWHERE, MaxMindPlaces, NoPlaces, Place
from tests.support.databases_of_places import NOWHERE_IN_FRANCE, write_places


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database may be."""
    return tmp_path / "places.mmdb"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        (b"203.0.113.77", Place("NL", "Amsterdam")),
        (b"2001:db8::1", Place("BR", "São Paulo")),
        (b"198.51.100.1", Place("FR", None)),
        (b"10.0.0.1", NOWHERE),
        (b"192.0.2.1", NOWHERE),
        (b"", NOWHERE),
        (b"no address \xff", NOWHERE),
    ],
)
def test_places_of_addresses(path: Path, address: bytes, place: Place) -> None:
    """Country and city are what the database has; what it has not, or oddly, is nowhere."""
    write_places(path)
    places = MaxMindPlaces(path)
    places.refresh()
    assert places.find(address) == place
    places.close()


def test_without_a_database_everybody_is_nowhere() -> None:
    """Nothing is looked up."""
    assert NoPlaces().find(b"203.0.113.77") == NOWHERE


def test_a_missing_or_broken_database_is_said_once(path: Path) -> None:
    """A redirector does without it, and tells in the log; again only when the file changes."""
    places = MaxMindPlaces(path)
    with structlog.testing.capture_logs() as logs:
        places.refresh()
        places.refresh()
        path.write_bytes(b"no database")
        places.refresh()
        places.refresh()
    assert [entry["event"] for entry in logs] == ["geolocation_unavailable"] * 2
    assert places.find(b"203.0.113.77") == NOWHERE
    places.close()


async def test_a_newer_database_takes_effect(path: Path) -> None:
    """A file that was renamed over the old one is read without a restart."""
    write_places(path)
    places = MaxMindPlaces(path)
    places.refresh()
    assert places.find(b"203.0.113.77").country == "NL"
    write_places(path, {"203.0.113.0/24": NOWHERE_IN_FRANCE})
    turns = 0

    async def sleep(_: float) -> None:
        nonlocal turns
        turns += 1
        if turns == 2:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        await places.refresh_forever(sleep)
    assert places.find(b"203.0.113.77") == Place("FR", None)
    places.close()


def test_a_database_that_vanishes_is_still_known(path: Path) -> None:
    """What is mapped stays readable, whatever happens to its name."""
    write_places(path)
    places = MaxMindPlaces(path)
    places.refresh()
    path.unlink()
    places.refresh()
    assert places.find(b"203.0.113.77").country == "NL"
    places.close()
