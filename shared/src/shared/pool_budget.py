"""Each process's share of the fleet's connection budgets.

`DATABASE_MAX_CONNECTIONS` and `REDIS_POOL_SIZE` are sums over the whole fleet, because that is
what a server's limit is compared with; what one process may open follows from the replica counts.
"""

from typing import Annotated, Literal

import msgspec

Service = Literal["redirector", "shortener", "click-ingest"]

_DATABASE_WEIGHTS: dict[Service, int] = {"redirector": 2, "shortener": 4, "click-ingest": 2}
_REDIS_WEIGHTS: dict[Service, int] = {"redirector": 2, "shortener": 1, "click-ingest": 0}


class ReplicaSettings(msgspec.Struct, frozen=True):
    """How many processes of each service share the budgets: `REPLICAS_REDIRECTOR` and so on."""

    redirector: Annotated[int, msgspec.Meta(ge=1)] = 2
    shortener: Annotated[int, msgspec.Meta(ge=1)] = 1
    click_ingest: Annotated[int, msgspec.Meta(ge=1)] = 1


def database_share(service: Service, budget: int, replicas: ReplicaSettings) -> int:
    """Return how many database connections one process of `service` may open; at least 1."""
    return _share(service, budget, replicas, _DATABASE_WEIGHTS)


def redis_share(service: Service, budget: int, replicas: ReplicaSettings) -> int:
    """Return how many Redis connections one process of `service` may open; at least 1."""
    return _share(service, budget, replicas, _REDIS_WEIGHTS)


def _share(
    service: Service, budget: int, replicas: ReplicaSettings, weights: dict[Service, int]
) -> int:
    counts: dict[Service, int] = {
        "redirector": replicas.redirector,
        "shortener": replicas.shortener,
        "click-ingest": replicas.click_ingest,
    }
    total = sum(weights[name] * count for name, count in counts.items())
    return max(1, budget * weights[service] // total)
