"""What the processes of a component use at the peak, and what each is given of a machine."""

import msgspec

from capacity.forecast import Load, cores, memory_bytes
from capacity.quantities import GIB, MIB, rounded_up

LEAST_MEMORY_LIMIT_BYTES = 256 * MIB
"""Three times what a service holds under full load, for what nobody has thought of."""
PAGE_CACHE_BYTES = GIB
"""effective_cache_size in deploy/postgres/postgresql.conf: files that the kernel keeps for it."""
RABBITMQ_WATERMARK_BYTES = GIB
"""vm_memory_high_watermark in deploy/rabbitmq/rabbitmq.conf."""
SERVICES = ("redirector", "shortener", "click-ingest")
COMPONENTS = ("nginx", *SERVICES, "postgres", "redis", "rabbitmq")


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
    processes: int,
    max_processes: int,
    target: float,
    maxmemory: int,
) -> Component:
    """Work out what a component uses under `load` and what each of its processes is given."""
    working = max(1, processes - 1)
    used, held = cores(name, load), memory_bytes(name, load)
    request_m = rounded_up(1000 * used / working / target, 50)
    # A service is one thread, and a short task beside it; servers take what there is.
    limit_m = 1000 if name in SERVICES else max(500, 2 * request_m)
    if name == "postgres":
        limit_m = max(2000, limit_m)
    memory_request = rounded_up(held / processes / target, 16 * MIB)
    memory_limit = {
        "postgres": held + load.shared_buffers_bytes + PAGE_CACHE_BYTES,
        "redis": 1.5 * max(maxmemory, 256 * MIB),
        "rabbitmq": 1.5 * RABBITMQ_WATERMARK_BYTES,
    }.get(name, 2 * held / processes)
    return Component(
        processes=processes,
        max_processes=max_processes,
        cores=round(used, 3),
        memory_bytes=held,
        # Of a fixed number of processes none is to spare, and one that is lost comes back at once.
        cpu_request_m=min(limit_m, max(50, request_m)),
        cpu_limit_m=limit_m,
        memory_request_bytes=memory_request,
        memory_limit_bytes=max(
            LEAST_MEMORY_LIMIT_BYTES, memory_request, rounded_up(memory_limit, 64 * MIB)
        ),
    )
