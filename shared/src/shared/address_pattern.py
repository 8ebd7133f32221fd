"""Patterns of addresses: one address, a network, or IPv4 with wildcards.

Redirect rules and the list of addresses that are not tracked are written in them; who accepts a
pattern and who compares it with a visitor must agree on what it means.
"""

import ipaddress
import re
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_WILDCARD = re.compile(r"(\d{1,3}|\*)(?:\.(\d{1,3}|\*)){3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AddressPattern:
    """The addresses of one version whose bits under `mask` are `bits`."""

    version: int
    mask: int
    bits: int

    def matches(self, address: Address) -> bool:
        """Tell whether it is one of them."""
        return address.version == self.version and int(address) & self.mask == self.bits


def parse_pattern(text: str) -> AddressPattern:
    """Make the pattern of `203.0.113.7`, `203.0.113.0/24`, `203.0.*.*`, `2001:db8::/32`.

    Raises:
        ValueError: it is none of these; the text says what would be.
    """
    try:
        if "*" in text:
            return _parse_wildcard(text)
        # An address within a network may stand for the network.
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            "is no address, network (203.0.113.0/24) or IPv4 address with wildcards (203.0.*.*)"
        ) from None
    return AddressPattern(network.version, int(network.netmask), int(network.network_address))


def parse_address(text: str) -> Address | None:
    """Read an address; None if it is none. An IPv4 address that came as IPv6 is IPv4."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _parse_wildcard(text: str) -> AddressPattern:
    if _WILDCARD.fullmatch(text) is None:
        raise ValueError
    parts = text.split(".")
    fixed = ipaddress.IPv4Address(".".join("0" if part == "*" else part for part in parts))
    mask = ipaddress.IPv4Address(".".join("0" if part == "*" else "255" for part in parts))
    return AddressPattern(4, int(mask), int(fixed))
