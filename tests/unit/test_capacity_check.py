"""What a run that is compared with the planner's forecast is compared with."""

import msgspec
import pytest

from tests.bench.machine_speed import REFERENCE_US, TIMES, MachineSpeed
from tests.capacity.measured import COMPONENTS, Measured
from tests.capacity.verdict import Line, compare

RUN = Measured(
    clicks=60_000,
    stored=65_000,
    counts_per_click=0.1,
    wrong=[],
    cores=dict.fromkeys(COMPONENTS, 0.1),
    slowness=1.0,
    memory_bytes=dict.fromkeys(COMPONENTS, 10**8),
    disk_bytes_per_click=600.0,
    wal_bytes_per_click=1_000.0,
    cached_bytes_per_link=260.0,
)


def forecast(slowness: float) -> dict[str, Line]:
    """Compare that run on a machine of some slowness."""
    run = msgspec.structs.replace(RUN, slowness=slowness)
    return {line.name: line for line in compare(run, per_second=1_000, links=10_000)}


def test_only_processor_time_is_forecast_for_a_slower_machine() -> None:
    """Half of it is in proportion to how slow the machine is; bytes are bytes on any."""
    usual, slow = forecast(1.0), forecast(2.5)
    for name, line in usual.items():
        times = 1.75 if name.startswith("CPU") else 1
        assert slow[name].forecast == pytest.approx(times * line.forecast)
        assert slow[name].measured == line.measured


def test_slowness_is_the_mean_of_all_looks() -> None:
    """Seconds in which others used the machine count as much as they did for the run."""
    speed = MachineSpeed()
    for times in (1, 1, 4):
        speed.note(times * TIMES * REFERENCE_US / 1e6)
    assert speed.slowness == pytest.approx(2.0)
