"""A plan as settings, ready to paste into .env, with what the stores must allow beside it."""

from capacity.plan import Plan
from capacity.quantities import MIB, binary, number


def settings_block(plan: Plan) -> str:
    """Return the lines of an .env file."""
    demand = plan.demand
    largest = plan.max_replicas
    grows = largest != plan.replicas
    lines = [
        f"# {demand.clicks_per_day:,} clicks a day: {number(plan.average_per_s)}/s on average,"
        f" {number(plan.peak_per_s)}/s at the peak, bursts of {number(plan.burst_per_s)}/s.",
        *servers_text(plan).splitlines(),
    ]
    if grows:
        lines.append(
            f"# Begin with {plan.replicas.redirector} redirectors, {plan.replicas.shortener}"
            f" shorteners and {plan.replicas.click_ingest} ingest workers; budgets are for the"
            " most there may be."
        )
    lines += [f"{name}={value}" for name, value in plan.settings().items()]
    return "\n".join(lines) + "\n"


def servers_text(plan: Plan) -> str:
    """Return what the stores and disks must allow, as comments."""
    servers = plan.servers
    return (
        f"# PostgreSQL: max_connections at least {servers.max_connections}."
        f" Redis: maxclients at least {servers.maxclients},\n"
        f"# maxmemory at least {servers.redis_maxmemory_bytes // MIB} MiB. RabbitMQ:"
        f" max-length-bytes of clicks.ingest at least {binary(servers.queue_max_bytes)}.\n"
        f"# Disk for each spool: {binary(plan.spool_volume_bytes)}.\n"
    )
