"""Pools of connections, as they are at the moment of the scrape."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.metrics.instruments import Instruments
from shared.pool_usage import PoolUsage

_LABEL = "pool"
_SIZE = ("qck_pool_size_connections", "Connections that a pool may open")
_IN_USE = ("qck_pool_in_use_connections", "Connections in use")
_WAITING = ("qck_pool_waiting", "Callers that wait for a connection")
_BUSY = (
    "qck_pool_busy_seconds",
    "Time that connections were in use, all of a pool together: its rate over the pool's size"
    " is the utilisation",
)


class PoolMetrics(Collector):
    """The metrics of the pools that were given to `watch`."""

    def __init__(self, make: Instruments, registry: CollectorRegistry) -> None:
        for name, documentation in (_SIZE, _IN_USE, _WAITING):
            make.define(name, "gauge", documentation, _LABEL)
        make.define(f"{_BUSY[0]}_total", "counter", _BUSY[1], _LABEL)
        self._pools: dict[str, PoolUsage] = {}
        registry.register(self)

    def watch(self, pool: str, usage: PoolUsage) -> None:
        """Report a pool under this name from now on."""
        self._pools[pool] = usage

    def collect(self) -> Iterator[Metric]:
        """Give what every pool does, in Prometheus' form."""
        size, in_use, waiting = (
            GaugeMetricFamily(*names, labels=[_LABEL]) for names in (_SIZE, _IN_USE, _WAITING)
        )
        busy = CounterMetricFamily(*_BUSY, labels=[_LABEL])
        for pool, usage in self._pools.items():
            size.add_metric([pool], usage.size)
            in_use.add_metric([pool], usage.in_use)
            waiting.add_metric([pool], usage.waiting)
            busy.add_metric([pool], usage.busy_s)
        yield from (size, in_use, waiting, busy)
