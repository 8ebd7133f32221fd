"""More clicks: the API's reads against themselves, and what the tables take."""

from tests.bench.api_reads import API_READS
from tests.bench.findings import Findings
from tests.bench.read_findings import read_findings
from tests.bench.table_sizes import TableSizes
from tests.support.rounds import some_rounds


def found(many_ms: float, status: int = 0) -> Findings:
    """Draw up reads that took 5 ms with ten clicks, and so much with twenty."""
    sizes = TableSizes(
        links_bytes=4000, clicks_bytes=6000, counts_bytes=1000, statistics_bytes=500
    )
    return read_findings(
        {
            10: {read: some_rounds(5) for read in API_READS},
            20: {read: some_rounds(many_ms, status=status) for read in API_READS},
        },
        sizes,
    )


def test_what_got_slower_misses_its_goal() -> None:
    """Each read has its goal, and one against itself with fewer clicks."""
    missed = {figure.name for figure in found(400).figures if figure.is_met is False}
    assert missed == {
        *(f"{read.name}, p95 with 20 clicks" for read in API_READS),
        *(f"{read.name}, p95, 20 clicks against 10" for read in API_READS),
    }


def test_bytes_are_told_for_each_click() -> None:
    """Of its row, and of the counts and statistics that it is added to."""
    findings = found(5)
    sizes = {each.name: each.value for each in findings.figures if each.name.startswith("disk")}
    assert sizes == {
        "disk per click": 300,
        "disk for the counts per click": 50,
        "disk for the statistics per click": 25,
    }
    assert findings.wrong == []


def test_an_answer_that_nobody_expected_is_wrong() -> None:
    """It is told with what was asked, and of how many clicks."""
    wrong = found(5, status=500).wrong
    assert f"{API_READS[0].name} with 20 clicks: 1 times status 500" in wrong
    assert len(wrong) == len(API_READS)
