"""What the benchmark reads out of /proc, and the ratios that it makes of rounds."""

import os
import time
from types import SimpleNamespace
from typing import cast

import pytest

from tests.bench import rounds
from tests.bench.cpu import (
    MACHINE,
    TICKS_PER_S,
    Spent,
    cpu_seconds,
    machine_seconds,
    process_seconds,
    spent,
)
from tests.bench.machine import cpu_model
from tests.bench.memory import pss_bytes, read_kib
from tests.bench.round_trip import round_trip_p95_s
from tests.bench.rounds import Measured, Target, costs, measure, ratios, where_the_time_goes
from tests.bench.workers import consuming_since
from tests.bench.wrk import Load, Wrk

STAT = (
    "4711 (a (strange) name) S 1 4711 4711 0 -1 4194560 1000 0 0 0 "
    "150 50 30 20 20 0 1 0 12345 1000000 500 18446744073709551615 1 1 0 0 0\n"
)


def a_round(redirects: int, **cpu_us: float) -> Measured:
    """Make a round of one second."""
    load = Load(requests=redirects, failed=0, lost=0, timeouts=0, duration_us=1_000_000)
    return Measured(warm_up=load, load=load, cpu_us=cpu_us)


def test_the_time_of_a_process_has_that_of_ended_children() -> None:
    """User and system time of both, whatever brackets the name of the process has."""
    assert process_seconds(STAT) == (150 + 50 + 30 + 20) / TICKS_PER_S


def test_the_time_of_the_machine_has_neither_idling_nor_waiting() -> None:
    """Nor has it what the hypervisor gave to others."""
    text = "cpu  100 10 50 9999 888 5 5 777 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"
    assert machine_seconds(text) == (100 + 10 + 50 + 5 + 5) / TICKS_PER_S


def test_what_no_component_used_is_somebody_elses() -> None:
    """The rest is the machine's time less that of all components, and never negative."""
    before = {"nginx": 1.0, "redis": 2.0, MACHINE: 10.0}
    used = spent(before, {"nginx": 2.0, "redis": 2.5, MACHINE: 14.0})
    assert used == Spent({"nginx": 1.0, "redis": 0.5}, others_s=2.5)
    assert spent(before, {"nginx": 2.0, "redis": 2.0, MACHINE: 10.5}).others_s == 0


def test_others_have_no_more_than_the_whole_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the generator takes beside its own clock: what is used then is of that time."""
    cores = os.cpu_count() or 1
    looks = iter([{MACHINE: 0.0}, {MACHINE: 4.0 * cores}])
    clock = iter([100.0, 104.0])
    monkeypatch.setattr(rounds, "cpu_seconds", lambda _: next(looks))
    monkeypatch.setattr(rounds, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    wrk = SimpleNamespace(run=lambda _port, _seconds: a_round(100).load)
    target = Target(name="qck", port=1, components=dict)
    assert measure(target, cast(Wrk, wrk), 1.0).others_percent == 100


def test_a_component_that_is_known_from_elsewhere_is_none_of_the_others() -> None:
    """The generator's time, which is known when it has ended."""
    used = Spent({"nginx": 1.0}, others_s=2.5).with_component("generator", 2.0)
    assert used == Spent({"nginx": 1.0, "generator": 2.0}, others_s=0.5)
    assert used.per_piece_us(1000) == {"nginx": 1000, "generator": 2000}
    assert used.others_percent(1.0) == 50 / (os.cpu_count() or 1)


def test_this_process_uses_time() -> None:
    """The kernel's account of a living process goes up while it works."""
    components = {"me": [os.getpid()]}
    before = cpu_seconds(components)
    until = time.process_time() + 3 / TICKS_PER_S
    while time.process_time() < until:
        pass
    assert spent(before, cpu_seconds(components)).by_component["me"] > 0


def test_sizes_are_read_in_bytes() -> None:
    """A field that is missing is nothing, and so is a process that has gone."""
    assert read_kib("VmHWM:\t  20 kB\nVmRSS:\t   12 kB\n", "VmRSS") == 12 * 1024
    assert read_kib("Rss: 3 kB\nPss_Dirty: 2 kB\nPss: 1 kB\n", "Pss") == 1024
    assert read_kib("", "Pss") == 0
    assert pss_bytes(2**22 + 1) == 0


def test_the_processor_has_a_name() -> None:
    """Where the kernel knows none, the architecture has to do."""
    assert cpu_model("processor\t: 0\nmodel name\t: Fast 9000\n") == "Fast 9000"
    assert cpu_model("") != ""


def test_ratios_are_made_within_each_round() -> None:
    """A round in which the whole machine was slow does not count against anybody."""
    ours, theirs = [a_round(100), a_round(50)], [a_round(200), a_round(100)]
    assert ratios(ours, theirs) == [0.5, 0.5]


def test_what_a_redirect_costs_is_the_median_of_the_rounds() -> None:
    """Component by component."""
    rounds = [a_round(1, nginx=1.0), a_round(1, nginx=9.0), a_round(1, nginx=2.0)]
    assert where_the_time_goes({"qck": rounds}).bars == {"qck": {"nginx": 2.0}}


def test_the_cost_of_a_redirect_is_without_its_generator() -> None:
    """All components of a round are added up, and the median of the rounds counts."""
    rounds = [a_round(1, nginx=each, redis=2.0, generator=50.0) for each in (1.0, 9.0, 3.0)]
    (cost,) = costs({"qck": rounds})
    assert (cost.value, cost.rounds) == (5.0, [3.0, 11.0, 5.0])


def test_a_worker_tells_when_it_begins() -> None:
    """The time is that of its own log line, and a log without one is an error."""
    log = (
        '{"event": "click_ingest_started", "timestamp": "2026-01-01T00:00:00Z"}\n'
        '{"event": "consuming_started", "timestamp": "2026-01-01T00:00:01.500000Z"}\n'
    )
    assert consuming_since(log) == 1_767_225_601.5
    with pytest.raises(ValueError, match="did not say"):
        consuming_since("Traceback")


def test_a_round_trip_takes_time() -> None:
    """There is a figure even if there is time for one trip only."""
    assert round_trip_p95_s(for_s=0) > 0
