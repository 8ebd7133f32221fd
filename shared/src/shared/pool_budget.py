"""Each process's share of the fleet's connection budgets.

`DATABASE_MAX_CONNECTIONS` and `REDIS_POOL_SIZE` are sums over the whole fleet, because that is
what a server's limit is compared with; what one process may open follows from the replica counts.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

Service = Literal["redirector", "shortener", "click-ingest"]

DATABASE_WEIGHTS: Mapping[Service, int] = {"redirector": 2, "shortener": 4, "click-ingest": 2}
REDIS_WEIGHTS: Mapping[Service, int] = {"redirector": 2, "shortener": 1, "click-ingest": 0}

LEAST_DATABASE_SHARE: Mapping[Service, int] = {"redirector": 2, "shortener": 1, "click-ingest": 1}
LEAST_REDIS_SHARE: Mapping[Service, int] = {"redirector": 2, "shortener": 1, "click-ingest": 0}
"""What a process opens however small its share: a redirector's lookups have a connection apart."""


class ReplicaSettings(msgspec.Struct, frozen=True):
    """How many processes of each service share the budgets: `REPLICAS_REDIRECTOR` and so on."""

    redirector: Annotated[int, msgspec.Meta(ge=1)] = 2
    shortener: Annotated[int, msgspec.Meta(ge=1)] = 1
    click_ingest: Annotated[int, msgspec.Meta(ge=1)] = 1

    def by_service(self) -> dict[Service, int]:
        """Return the counts by the services' names."""
        return {
            "redirector": self.redirector,
            "shortener": self.shortener,
            "click-ingest": self.click_ingest,
        }


def database_share(service: Service, budget: int, replicas: ReplicaSettings) -> int:
    """Return how many database connections one process of `service` may open."""
    share = _share(service, budget, replicas, DATABASE_WEIGHTS)
    return max(LEAST_DATABASE_SHARE[service], share)


def redis_share(service: Service, budget: int, replicas: ReplicaSettings) -> int:
    """Return how many Redis connections one process of `service` may open."""
    share = _share(service, budget, replicas, REDIS_WEIGHTS)
    return max(LEAST_REDIS_SHARE[service], share)


def _share(
    service: Service, budget: int, replicas: ReplicaSettings, weights: Mapping[Service, int]
) -> int:
    total = sum(weights[name] * count for name, count in replicas.by_service().items())
    return budget * weights[service] // total
