"""For whom no limit counts: `LIMIT_EXEMPT`, which nginx and the redirectors both go by."""

import ipaddress
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE = (
    "127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7",
    "fe80::/10",
)  # fmt: skip
"""Loopback and private networks: load tests, benchmarks and callers inside."""

NOBODY = ("none",)
"""Exempts nobody; an empty setting is one that is not set."""


def exempt_networks(given: Sequence[str]) -> list[Network]:
    """Return the networks that are exempt.

    Raises:
        ValueError: something is neither an address nor a network.
    """
    networks: list[Network] = []
    wrong = []
    for text in () if tuple(given) == NOBODY else given:
        try:
            networks.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            wrong.append(text)
    if wrong:
        raise ValueError(f"LIMIT_EXEMPT: neither an address nor a network: {', '.join(wrong)}")
    return networks
