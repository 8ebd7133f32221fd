"""What the processes of a component use at the peak, and what each is given of a machine."""

import msgspec

from capacity.forecast import Load, cores, memory_bytes
from capacity.quantities import GIB, MIB, rounded_up
from shared.pool_budget import ReplicaSettings

LEAST_MEMORY_LIMIT_BYTES = 256 * MIB
"""Three times what a service holds under full load, for what nobody has thought of."""
PAGE_CACHE_BYTES = GIB
"""effective_cache_size in deploy/postgres/postgresql.conf: files that the kernel keeps for it."""
RABBITMQ_WATERMARK_BYTES = GIB
"""vm_memory_high_watermark in deploy/rabbitmq/rabbitmq.conf."""
COMPONENTS = (
    "nginx", "redirector", "shortener", "click-ingest", "postgres", "redis", "rabbitmq",
)  # fmt: skip


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """What one component uses at the peak, and what each process of it is given."""

    processes: int
    max_processes: int
    cores: float
    """Of all processes, at the peak."""
    memory_bytes: int
    """Of all processes."""
    cpu_request_m: int
    """Thousandths of a processor for each, so that the target holds with one of them gone."""
    cpu_limit_m: int
    memory_request_bytes: int
    memory_limit_bytes: int


def size_component(
    name: str,
    load: Load,
    replicas: ReplicaSettings,
    allowed: ReplicaSettings,
    target: float,
    maxmemory: int,
) -> Component:
    """Work out what a component uses under `load` and what each of its processes is given."""
    count = replicas.by_service().get(name, 1)  # type: ignore[call-overload]  # or a server
    working = max(1, count - 1)
    used, held = cores(name, load), memory_bytes(name, load)
    request_m = rounded_up(1000 * used / working / target, 50)
    # A service is one thread, and a short task beside it; servers take what there is.
    limit_m = 1000 if name in replicas.by_service() else max(500, 2 * request_m)
    if name == "postgres":
        limit_m = max(2000, limit_m)
    memory_limit = {
        "postgres": held + load.shared_buffers_bytes + PAGE_CACHE_BYTES,
        "redis": 1.5 * max(maxmemory, 256 * MIB),
        "rabbitmq": 1.5 * RABBITMQ_WATERMARK_BYTES,
    }.get(name, 2 * held / count)
    return Component(
        processes=count,
        max_processes=allowed.by_service().get(name, 1),  # type: ignore[call-overload]
        cores=round(used, 3),
        memory_bytes=held,
        cpu_request_m=max(50, request_m),
        cpu_limit_m=limit_m,
        memory_request_bytes=rounded_up(held / count / target, 16 * MIB),
        memory_limit_bytes=max(LEAST_MEMORY_LIMIT_BYTES, rounded_up(memory_limit, 64 * MIB)),
    )
