"""How metrics are made, so that each one is both in a registry and in the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from shared.plain_histogram import PlainHistogram

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Definition:
    """What a metric is; `name` is that of PromQL, without the suffixes of a histogram's series."""

    name: str
    kind: Kind
    documentation: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its series."""
        if self.kind == "histogram":
            return tuple(f"{self.name}_{suffix}" for suffix in ("bucket", "sum", "count"))
        return (self.name,)


class Instruments:
    """Makes metrics in one registry; `definitions` has each of them, in the order of making."""

    __slots__ = ("_registry", "definitions")

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.definitions: list[Definition] = []

    def counter(self, name: str, documentation: str, *labels: str) -> Counter:
        """Make a counter; `name` comes without `_total`."""
        self.define(f"{name}_total", "counter", documentation, *labels)
        return Counter(name, documentation, labels, registry=self._registry)

    def gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        """Make a gauge."""
        self.define(name, "gauge", documentation, *labels)
        return Gauge(name, documentation, labels, registry=self._registry)

    def histogram(
        self, name: str, documentation: str, *labels: str, bounds: Sequence[float]
    ) -> Histogram:
        """Make a histogram with these upper bounds of its buckets."""
        self.define(name, "histogram", documentation, *labels, bounds=bounds)
        return Histogram(name, documentation, labels, registry=self._registry, buckets=bounds)

    def plain_histogram(
        self, name: str, documentation: str, *, bounds: Sequence[float]
    ) -> PlainHistogram:
        """Make a histogram for the hot path."""
        self.define(name, "histogram", documentation, bounds=bounds)
        return PlainHistogram(name, documentation, bounds=bounds, registry=self._registry)

    def define(
        self,
        name: str,
        kind: Kind,
        documentation: str,
        *labels: str,
        bounds: Sequence[float] = (),
    ) -> None:
        """Note a metric that somebody else makes."""
        self.definitions.append(Definition(name, kind, documentation, labels, tuple(bounds)))


def create_registry() -> CollectorRegistry:
    """Make a registry that also reports the process and its garbage collector."""
    # Else each counter has a second series, which nobody reads.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
