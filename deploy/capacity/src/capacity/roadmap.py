"""The sizing document's own figures, what of them cannot be true at once, and what fits."""

import msgspec

from capacity.demand import Demand
from capacity.plan import RESERVED_CONNECTIONS, Plan, make_plan


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the document's roadmap."""

    clicks_per_day: int
    peak_per_s: int | None
    """As the document says it; of 10M+ it says none."""
    database: int
    redis: int


STAGES = (
    Stage(clicks_per_day=1_000_000, peak_per_s=100, database=300, redis=150),
    Stage(clicks_per_day=2_000_000, peak_per_s=200, database=500, redis=250),
    Stage(clicks_per_day=5_000_000, peak_per_s=500, database=800, redis=400),
    Stage(clicks_per_day=10_000_000, peak_per_s=None, database=1000, redis=600),
)
INSTANCES = 2
"""API instances, each with the pool sizes above in its environment."""
MAX_CONNECTIONS = 400
MAX_CLIENTS = 200
INSTANCE_GB, POSTGRES_GB, REDIS_GB, TOTAL_GB = 1.0, 2.0, 0.512, 4.0
INSTANCE_CORES, POSTGRES_CORES, REDIS_CORES, TOTAL_CORES = 1.0, 2.0, 0.5, 4.0


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A stage beside the plan for it."""

    document: Stage
    plan: Plan


def compare(like: Demand) -> list[Compared]:
    """Plan every stage, with all but the clicks as in `like`."""
    return [
        Compared(
            document=stage,
            plan=make_plan(
                msgspec.structs.replace(like, clicks_per_day=stage.clicks_per_day, hosts=0)
            ),
        )
        for stage in STAGES
    ]


def contradictions(plan: Plan) -> list[str]:
    """Say what in the document cannot be true at once, and what fits for this plan."""
    first = STAGES[0]
    database, redis = INSTANCES * first.database, INSTANCES * first.redis
    usable = MAX_CONNECTIONS - RESERVED_CONNECTIONS
    memory = INSTANCES * INSTANCE_GB + POSTGRES_GB + REDIS_GB
    cores = INSTANCES * INSTANCE_CORES + POSTGRES_CORES + REDIS_CORES
    return [
        f"{INSTANCES} instances x {first.database} database connections = {database}, but its"
        f" PostgreSQL allows {MAX_CONNECTIONS}, {RESERVED_CONNECTIONS} of them reserved. What fits"
        f" is at most {usable // INSTANCES} in each, or {first.database} for the whole fleet, as"
        f" DATABASE_MAX_CONNECTIONS is read here; {plan.database.budget} are needed.",
        f"{INSTANCES} instances x {first.redis} Redis connections = {redis}, but its Redis allows"
        f" {MAX_CLIENTS} clients. What fits is at most {MAX_CLIENTS // INSTANCES} in each, or"
        f" {first.redis} for the whole fleet, as REDIS_POOL_SIZE is read here;"
        f" {plan.redis.budget} are needed.",
        "Its roadmap asks for "
        + ", ".join(
            f"{stage.database} and {stage.redis} at {stage.clicks_per_day / 1e6:.0f}M"
            for stage in STAGES[1:]
        )
        + " clicks a day: more than those limits even as budgets of the whole fleet. By Little's"
        " law far fewer are ever busy, so neither pools nor limits have to grow like that.",
        f"Its parts add up to {memory:.1f} GB and {cores:.1f} cores, its total says"
        f" {TOTAL_GB:.0f} GB and {TOTAL_CORES:.0f} cores; neither counts RabbitMQ, the ingest"
        " worker and nginx.",
        f"Redis is given {REDIS_GB * 1000:.0f} MB in all: its maxmemory has to stay below that,"
        " since buffers and fragmentation come on top.",
    ]
