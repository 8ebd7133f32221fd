"""Growing: ratios of rounds that belong together, and what was answered wrongly."""

from collections import Counter

import pytest

from tests.bench.api_reads import API_READS
from tests.bench.fixed_rate.measure import Measured
from tests.bench.fixed_rate.outcome import Outcome
from tests.bench.growth_findings import Growth, Paired, growth_findings
from tests.bench.percentiles import Distribution
from tests.bench.table_sizes import TableSizes

OUTCOME = Outcome(
    began_at=1.0, last_answer_at=2.0, sent=1, answered=1, failures={}, asked_again=0, waited=0,
    cpu_s=0.1, wall_s=1.0, late_p50_ms=0.1, late_p99_ms=0.2, late_max_ms=0.3,
)  # fmt: skip


def some_rounds(*latencies_ms: float, status: int = 0) -> list[Measured]:
    """Make a round for each latency; with a status, each has an answer that nobody expected."""
    others = Counter({status: 1}) if status else Counter[int]()
    return [
        Measured(latencies_ms=Distribution([latency]), others=others, outcome=OUTCOME)
        for latency in latencies_ms
    ]


def a_growth() -> Growth:
    """Make what is seen of two sizes of each kind, at which everything takes as long."""
    growth = Growth(
        sizes=TableSizes(
            links_bytes=4000, clicks_bytes=6000, counts_bytes=1000, statistics_bytes=500
        )
    )
    for links in (100, 1000):
        growth.redirects[links] = Paired(some_rounds(1, 2, 3), some_rounds(1, 2, 3))
    for clicks in (10, 100):
        growth.reads[clicks] = {read: some_rounds(5) for read in API_READS}
    return growth


def test_a_machine_that_slows_down_does_not_make_a_ratio() -> None:
    """Each round is compared with the one beside it, however long both took."""
    growth = a_growth()
    growth.redirects[1000] = Paired(some_rounds(1, 10, 100), some_rounds(1.1, 11, 110))
    figures = {each.name: each for each in growth_findings(growth, links=10, clicks=10).figures}
    ratio = figures["redirect p95, 1,000 links against 10,000"]
    assert ratio.value == pytest.approx(1.1)
    assert ratio.is_met


def test_what_got_slower_misses_its_goal() -> None:
    """Redirects against those with few links, reads against themselves with fewer clicks."""
    growth = a_growth()
    growth.redirects[1000] = Paired(some_rounds(1, 1, 1), some_rounds(2, 2, 2))
    growth.reads[100] = {read: some_rounds(400) for read in API_READS}
    findings = growth_findings(growth, links=10, clicks=10)
    missed = {figure.name for figure in findings.figures if figure.is_met is False}
    assert missed == {
        "redirect p95, 1,000 links against 10,000",
        *(f"{read.name}, p95 with 100 clicks" for read in API_READS),
        *(f"{read.name}, p95, 100 clicks against 10" for read in API_READS),
    }


def test_bytes_are_told_for_each_row() -> None:
    """Of links, of clicks, and of the counts that clicks are added to."""
    findings = growth_findings(a_growth(), links=10, clicks=20)
    sizes = {each.name: each.value for each in findings.figures if each.name.startswith("disk")}
    assert sizes == {
        "disk per link": 400,
        "disk per click": 300,
        "disk for the counts per click": 50,
        "disk for the statistics per click": 25,
    }
    assert findings.wrong == []


def test_an_answer_that_nobody_expected_is_wrong() -> None:
    """It is told with what was asked."""
    growth = a_growth()
    growth.redirects[1000] = Paired(some_rounds(1), some_rounds(1, status=503))
    findings = growth_findings(growth, links=10, clicks=10)
    assert findings.wrong == ["redirects beside 1,000 links: 1 times status 503"]
