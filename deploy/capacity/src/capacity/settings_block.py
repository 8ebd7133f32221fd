"""A plan as settings, ready to paste into .env, with what the stores must allow beside it."""

from capacity.plan import Plan
from capacity.quantities import MIB, binary, number


def settings_block(plan: Plan) -> str:
    """Return the lines of an .env file."""
    demand, servers = plan.demand, plan.servers
    largest = plan.max_replicas
    grows = largest != plan.replicas
    lines = [
        f"# {demand.clicks_per_day:,} clicks a day: {number(plan.average_per_s)}/s on average,"
        f" {number(plan.peak_per_s)}/s at the peak, bursts of {number(plan.burst_per_s)}/s.",
        f"# PostgreSQL: max_connections at least {servers.max_connections}."
        f" Redis: maxclients at least {servers.maxclients},",
        f"# maxmemory at least {servers.redis_maxmemory_bytes // MIB} MiB. RabbitMQ:"
        f" max-length-bytes of clicks.ingest at least {binary(servers.queue_max_bytes)}.",
        f"# Disk for each spool: {binary(plan.spool_volume_bytes)}.",
    ]
    if grows:
        lines.append(
            f"# Begin with {plan.replicas.redirector} redirectors, {plan.replicas.shortener}"
            f" shorteners and {plan.replicas.click_ingest} ingest workers; budgets are for the"
            " most there may be."
        )
    lines += [f"{name}={value}" for name, value in plan.settings().items()]
    return "\n".join(lines) + "\n"
