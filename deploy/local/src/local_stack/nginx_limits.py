"""nginx's limits for each visitor, out of the settings: how much, and for whom none counts."""

import ipaddress
import re
from collections.abc import Mapping

from local_stack.errors import SettingsError

DEFAULTS = {
    "LIMIT_PUBLIC_PER_S": "100",
    "LIMIT_PUBLIC_BURST": "1000",
    "LIMIT_API_PER_S": "100",
    "LIMIT_API_BURST": "1000",
    "LIMIT_SLOW_CLIENT_S": "10",
}
"""The same as in nginx/entrypoint/16-limits.envsh, for containers; a test compares them."""

EXEMPT = "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,fe80::/10"
"""Loopback and private networks: load tests, benchmarks and callers inside."""

NONE = "none"
"""Exempts nobody; an empty setting is one that is not set."""


def limit_values(settings: Mapping[str, str]) -> dict[str, str]:
    """Return what the template asks for, defaults where nothing is set.

    Raises:
        SettingsError: with everything that is wrong.
    """
    values = {name: settings.get(name) or default for name, default in DEFAULTS.items()}
    problems = [
        f"{name} is {text!r}: it must be a whole number from 1 to 1000000"
        for name, text in values.items()
        if not re.fullmatch(r"[1-9][0-9]{0,5}|1000000", text)
    ]
    rules = []
    exempt = settings.get("LIMIT_EXEMPT") or EXEMPT
    for network in exempt.removeprefix(NONE).replace(",", " ").split():
        try:
            rules.append(f"{ipaddress.ip_network(network, strict=False)} 1;")
        except ValueError:
            problems.append(f"LIMIT_EXEMPT: {network} is neither an address nor a network")
    if problems:
        raise SettingsError(problems)
    return {**values, "LIMIT_EXEMPT_RULES": "\n    ".join(rules)}
