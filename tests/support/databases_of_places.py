"""Small databases of places, in MaxMind's format."""

from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

AMSTERDAM = {
    "country": {"iso_code": "NL"},
    "city": {"names": {"en": "Amsterdam", "de": "Amsterdam"}},
}
SAO_PAULO = {"country": {"iso_code": "BR"}, "city": {"names": {"en": "São Paulo"}}}
NOWHERE_IN_FRANCE = {"country": {"iso_code": "FR"}}
STRANGE = {"country": "a text"}


def write_places(path: Path, places: dict[str, Any] | None = None) -> None:
    """Put a database in place, as geoipupdate does: whole, by renaming."""
    writer = MMDBWriter(6, "Test-City", languages=["en"], ipv4_compatible=True)
    default: dict[str, Any] = {
        "203.0.113.0/24": AMSTERDAM,
        "2001:db8::/32": SAO_PAULO,
        "198.51.100.0/24": NOWHERE_IN_FRANCE,
        "192.0.2.0/24": STRANGE,
    }
    for network, record in (places or default).items():
        writer.insert_network(IPSet([network]), record)
    new = path.with_suffix(".new")
    writer.to_db_file(str(new))
    new.replace(path)
