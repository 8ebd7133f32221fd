"""nginx's limits for each visitor: how much, and for whom none counts."""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from shared.exempt_networks import PRIVATE, exempt_networks
from shared.settings import load

_Limit = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class NginxLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Requests a second for long and at once above that, by door; .env.example has the words."""

    public_per_s: _Limit = 100
    public_burst: _Limit = 1000
    api_per_s: _Limit = 100
    api_burst: _Limit = 1000
    slow_client_s: _Limit = 10
    exempt: tuple[str, ...] = PRIVATE

    def __post_init__(self) -> None:
        exempt_networks(self.exempt)

    def template_values(self) -> dict[str, str]:
        """Return what the template asks for."""
        rules = "\n    ".join(f"{network} 1;" for network in exempt_networks(self.exempt))
        return {
            "LIMIT_PUBLIC_PER_S": str(self.public_per_s),
            "LIMIT_PUBLIC_BURST": str(self.public_burst),
            "LIMIT_API_PER_S": str(self.api_per_s),
            "LIMIT_API_BURST": str(self.api_burst),
            "LIMIT_SLOW_CLIENT_S": str(self.slow_client_s),
            "LIMIT_EXEMPT_RULES": rules,
        }


class _Limited(msgspec.Struct, frozen=True):
    limit: NginxLimits


def limit_values(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the template asks for, defaults where nothing is set.

    Raises:
        SettingsError: with what is wrong.
    """
    return load(_Limited, environment).limit.template_values()
