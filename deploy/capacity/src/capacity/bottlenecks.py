"""What stands in the way of a plan as things are configured, for people to decide."""

from capacity.plan import Plan
from capacity.quantities import GIB, binary
from shared.pool_budget import ReplicaSettings

ONE_HOST = ReplicaSettings()
"""What docker-compose.yml and the local stack run, whatever REPLICAS_* say."""
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
    if plan.servers.queue_max_bytes > QUEUE_MAX_BYTES:
        found.append(
            f"The queue holds {binary(QUEUE_MAX_BYTES)} (deploy/rabbitmq/definitions.json), and an"
            f" outage takes {binary(plan.storage.queue_bytes)}: raise max-length-bytes, and the"
            " broker's disk with it. What does not fit waits in the spools."
        )
    return found
