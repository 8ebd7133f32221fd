"""The planner's forecast beside what a run used."""

import msgspec

from capacity import costs
from capacity.forecast import Load, cores, memory_bytes
from tests.bench.machine_speed import stack_slowness
from tests.capacity.measured import COMPONENTS, Measured

WITHIN = 0.25
"""How far a forecast may be off; CPU and memory as sums over all components."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity."""

    name: str
    forecast: float
    measured: float
    unit: str
    is_judged: bool = False

    @property
    def off_by(self) -> float:
        """The measured value against the forecast one, as a share of it."""
        return self.measured / self.forecast - 1 if self.forecast else 0.0

    @property
    def holds(self) -> bool:
        """Whether the forecast is as good as it has to be; true where nobody judges."""
        return not self.is_judged or abs(self.off_by) <= WITHIN


def compare(measured: Measured, *, per_second: float, links: int) -> list[Line]:
    """Forecast the same run, and put both beside each other.

    Of processor time the forecast is for a machine as slow as this one was meanwhile.
    """
    load = Load(
        clicks_per_s=per_second,
        cached_links=links,
        data_bytes=round(
            measured.stored * costs.CLICK_DISK_BYTES
            + links * (costs.LINK_DISK_BYTES + costs.COUNTS_DISK_BYTES)
        ),
    )
    times = stack_slowness(measured.slowness)
    used = {name: cores(name, load) * times for name in COMPONENTS}
    held = {name: memory_bytes(name, load) / costs.MB for name in COMPONENTS}
    cached = float(costs.LINK_REDIS_BYTES)
    rows = costs.CLICK_DISK_BYTES + costs.COUNTS_DISK_BYTES * measured.counts_per_click
    wal = float(costs.CLICK_WAL_BYTES)
    lines = [
        _line(f"CPU, {name}", used[name], measured.cores[name], "cores") for name in COMPONENTS
    ]
    lines += [
        _line(f"memory, {name}", held[name], measured.memory_bytes[name] / costs.MB, "MB")
        for name in COMPONENTS
    ]
    return [
        *lines,
        _judged("CPU", sum(used.values()), sum(measured.cores.values()), "cores"),
        _judged(
            "memory", sum(held.values()), sum(measured.memory_bytes.values()) / costs.MB, "MB"
        ),
        _judged("disk of a click", rows, measured.disk_bytes_per_click, "B"),
        _judged("memory of a cached link", cached, measured.cached_bytes_per_link, "B"),
        _line("write-ahead log of a click", wal, measured.wal_bytes_per_click, "B"),
    ]


def _line(name: str, forecast: float, measured: float, unit: str) -> Line:
    return Line(name=name, forecast=forecast, measured=measured, unit=unit)


def _judged(name: str, forecast: float, measured: float, unit: str) -> Line:
    return Line(name=name, forecast=forecast, measured=measured, unit=unit, is_judged=True)
