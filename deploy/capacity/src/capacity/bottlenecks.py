"""What stands in the way of a plan as things are configured, for people to decide."""

from capacity.plan import Plan
from capacity.quantities import GIB, MIB, binary
from shared.pool_budget import ReplicaSettings

ONE_HOST = ReplicaSettings()
"""What docker-compose.yml and the local stack run, whatever REPLICAS_* say."""
MAX_CONNECTIONS, MAXCLIENTS, REDIS_MAXMEMORY_BYTES = 400, 200, 400 * MIB
"""Of PostgreSQL and Redis in docker-compose.yml."""
QUEUE_MAX_BYTES = 8 * GIB
"""max-length-bytes of clicks.ingest in deploy/rabbitmq/definitions.json."""


def bottlenecks(plan: Plan) -> list[str]:
    """Say what is too small for this plan, and what helps; nothing where all of it fits."""
    found = []
    demand = plan.demand
    if not demand.is_spread and plan.replicas != ONE_HOST:
        need = plan.replicas
        found.append(
            f"One host runs {ONE_HOST.redirector} redirectors, {ONE_HOST.shortener} shortener and"
            f" {ONE_HOST.click_ingest} ingest worker, and {need.redirector}, {need.shortener} and"
            f" {need.click_ingest} are needed: plan with HOSTS=2."
        )
    redis = plan.components["redis"].cores / demand.target
    if redis > 1:
        found.append(
            f"Redis answers on one processor, and {redis:.1f} are needed: redirectors in groups,"
            " each with a Redis of its own nearby, do not come with qck so far."
        )
    servers = plan.servers
    if servers.max_connections > MAX_CONNECTIONS:
        found.append(
            f"PostgreSQL allows {MAX_CONNECTIONS} connections (docker-compose.yml), and"
            f" {servers.max_connections} are needed: raise max_connections, or no service starts."
        )
    if servers.maxclients > MAXCLIENTS:
        found.append(
            f"Redis allows {MAXCLIENTS} clients (docker-compose.yml), and {servers.maxclients} are"
            " needed: raise maxclients, or redirectors and shorteners do not start."
        )
    if servers.redis_maxmemory_bytes > REDIS_MAXMEMORY_BYTES:
        found.append(
            f"Redis holds {binary(REDIS_MAXMEMORY_BYTES)} (docker-compose.yml), and links take"
            f" {binary(servers.redis_maxmemory_bytes)}: raise maxmemory, and the memory of its"
            " container with it. What does not fit is read from PostgreSQL."
        )
    if servers.queue_max_bytes > QUEUE_MAX_BYTES:
        found.append(
            f"The queue holds {binary(QUEUE_MAX_BYTES)} (deploy/rabbitmq/definitions.json), and"
            f" {binary(servers.queue_max_bytes)} are needed for an outage: raise max-length-bytes,"
            " and the broker's disk with it. What does not fit waits in the spools."
        )
    return found
