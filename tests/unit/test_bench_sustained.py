"""A sustained run: what counts as steady, in time, lost, explained."""

from pathlib import Path
from typing import Any

import pytest

from tests.bench.answered import Comparison
from tests.bench.disk_space import DiskSpaceError, needed_bytes, require_space
from tests.bench.fixed_rate.outcome import Outcome
from tests.bench.fixed_rate.plan import Plan
from tests.bench.fixed_rate.records import RecordWriter
from tests.bench.fixed_rate.summary import request_ids, summarise
from tests.bench.redirector_metrics import RedirectorCounts
from tests.bench.redis_memory import RedisMemory
from tests.bench.sustained_findings import Sustained, sustained_findings
from tests.bench.watch import OTHERS, Look, curve, processors
from tests.support.observe import Sample

GOOD = {
    "answered": 100, "rows": 100, "lost": 0, "doubled": 0, "hourly": 100, "total": 100,
    "ledger": 100, "rollup_differences": 0, "dead_lettered": 0, "ledger_holes": 0,
}  # fmt: skip


def a_plan(folder: Path) -> Plan:
    """Make a plan of a second's ramp and two seconds at 10 a second."""
    return Plan(
        folder=str(folder), port=1, per_second=10.0, ramp_s=1.0, count=25, endings=[" HTTP/1.1"]
    )


def answer_all(plan: Plan, latencies_s: dict[int, float], statuses: dict[int, int]) -> None:
    """Write a record for each request: 1 ms and 302, but for those that are given."""
    with RecordWriter(plan.records_file) as records:
        for number in range(plan.count):
            status = statuses.get(number, 302)
            latency_s = latencies_s.get(number, 0.001)
            records.add(number, latency_s, status, number.to_bytes(16, "big"))


def a_look(at: float, redirects: float) -> Look:
    """Make a look at a stack whose redirector takes half a processor."""
    return Look(
        at=at,
        cpu_s={"redirector-1": at / 2, "machine": at},
        resident_bytes={"redirector-1": 80_000_000, "redirector-2": 79_000_000},
        counts=RedirectorCounts(redirects, {"hit": redirects, "miss": 0.0}),
        clicks=Sample(at, 0, 0, round(redirects), None if at % 2 else 0.25),
    )


def test_the_ramp_is_no_part_of_the_latencies(tmp_path: Path) -> None:
    """Its redirects are answered and have to be stored all the same."""
    plan = a_plan(tmp_path)
    answer_all(plan, {4: 0.5, 5: 0.25}, {})
    summary = summarise(plan, 302)
    assert [second.count for second in summary.by_second] == [10, 10]
    assert summary.latencies_ms.max == pytest.approx(250)
    assert (summary.steady_s, summary.per_second) == (2, 10)
    assert len(list(request_ids(plan, 302))) == 25


def test_other_answers_and_late_ones_make_the_rate_less(tmp_path: Path) -> None:
    """What was not redirected, or came more than a second after the last was due."""
    plan = a_plan(tmp_path)
    answer_all(plan, {24: 1.5}, {0: 503, 7: 503, 8: 0})
    summary = summarise(plan, 302)
    assert summary.others == {503: 2, 0: 1}
    assert summary.per_second == pytest.approx((20 - 3) / 2)
    assert len(list(request_ids(plan, 302))) == 22


def test_a_clean_comparison_has_nothing_wrong() -> None:
    """A visit that was not answered may have a row."""
    assert Comparison(**GOOD).wrong(unanswered=0) == []
    more = {**GOOD, "rows": 101, "hourly": 101, "total": 101, "ledger": 101}
    assert Comparison(**more).wrong(unanswered=1) == []
    assert Comparison(**more).wrong(unanswered=0) == ["1 rows that no visit explains"]


@pytest.mark.parametrize(
    ("member", "value", "text"),
    [
        pytest.param("lost", 2, "2 answered redirects have no row", id="lost"),
        pytest.param("rollup_differences", 3, "3 counts differ from rows", id="counts"),
        pytest.param("hourly", 99, "100 rows, but 99 by hour", id="hourly"),
        pytest.param("total", 99, "100 rows, but 99 in total", id="total"),
        pytest.param("ledger", 99, "100 rows, but 99 in the ledger", id="ledger"),
        pytest.param("dead_lettered", 4, "4 clicks are dead letters", id="dead letters"),
    ],
)
def test_whatever_does_not_agree_is_told(member: str, value: int, text: str) -> None:
    """Each of them for itself."""
    assert text in Comparison(**{**GOOD, member: value}).wrong(unanswered=9)


def test_curves_are_differences_of_looks() -> None:
    """Processor time between two looks; what nobody looked at is left out."""
    looks = [a_look(float(at), at * 10.0) for at in (2, 3, 4)]
    curves = processors(looks, begins_at=2)
    assert curves == {"redirector-1": [(1, 0.5), (2, 0.5)], OTHERS: [(1, 0.5), (2, 0.5)]}
    assert curve(looks, 2, lambda look: look.clicks.lag_s) == [(0, 0.25), (2, 0.25)]


def a_run(plan: Plan, **members: Any) -> Sustained:
    """Make all that is seen of a run."""
    outcome = Outcome(
        began_at=1.0, last_answer_at=4.0, sent=25, answered=25, failures={}, asked_again=0,
        waited=0, cpu_s=0.1, wall_s=3.0, late_p50_ms=0.1, late_p99_ms=0.2, late_max_ms=0.3,
    )  # fmt: skip
    given = {
        "links": 100,
        "empty": RedisMemory(used_bytes=1000, max_bytes=10**6, keys=0, evicted=0),
        "full": RedisMemory(used_bytes=26_000, max_bytes=10**6, keys=100, evicted=0),
        "summary": summarise(plan, 302),
        "outcome": outcome,
        "looks": [a_look(2.0, 20.0), a_look(4.0, 40.0)],
        "stored_after_s": 0.5,
        "everything_bytes": 800_000_000,
        "comparison": Comparison(**GOOD),
    }
    return Sustained(**{**given, **members})


def test_a_good_run_meets_its_goals(tmp_path: Path) -> None:
    """And has a curve for everything that was watched."""
    plan = a_plan(tmp_path)
    answer_all(plan, {}, {})
    findings = sustained_findings(a_run(plan))
    figures = {figure.name: figure for figure in findings.figures}
    assert {figure.is_met for figure in findings.figures} == {True, None}
    assert figures["memory of Redis per link"].value == 250
    assert figures["cache hits"].value == 100
    assert findings.bars[0].bars["qck"]["redirector-1"] == pytest.approx(50_000)
    assert all(curve for chart in findings.charts for curve in chart.curves.values())
    assert findings.wrong == []


def test_a_bad_run_says_so(tmp_path: Path) -> None:
    """A goal that is missed is a figure; a lost click is more than that."""
    plan = a_plan(tmp_path)
    answer_all(plan, {number: 0.1 for number in range(10)}, {20: 503})
    sums = dict.fromkeys(("rows", "hourly", "total", "ledger"), 99)
    lossy = Comparison(**{**GOOD, **sums, "lost": 1})
    findings = sustained_findings(a_run(plan, stored_after_s=6.0, comparison=lossy, looks=[]))
    missed = {figure.name for figure in findings.figures if figure.is_met is False}
    assert missed == {
        "redirects a second",
        "failed",
        "latency, p99",
        "all clicks stored after the last redirect",
        "lost clicks",
        "cache hits",
    }
    assert findings.wrong == ["1 answered redirects have no row"]


def test_a_full_disk_is_told_before_anything_is_stored(tmp_path: Path) -> None:
    """With what it would take."""
    require_space(tmp_path, 1)
    with pytest.raises(DiskSpaceError, match=r"this needs about \d+ GiB in .*free"):
        require_space(tmp_path, needed_bytes(links=10**15, clicks=10**15, stacks=2))
