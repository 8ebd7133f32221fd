"""More links: ratios of rounds that belong together, and what was answered wrongly."""

import pytest

from tests.bench.growth_findings import Growth, Paired, growth_findings
from tests.support.rounds import some_rounds


def a_growth() -> Growth:
    """Make what is seen of two numbers of links, at which everything takes as long."""
    growth = Growth(disk_bytes_per_link=400)
    for links in (100, 1000):
        growth.redirects[links] = Paired(some_rounds(1, 2, 3), some_rounds(1, 2, 3))
    return growth


def test_a_machine_that_slows_down_does_not_make_a_ratio() -> None:
    """Each round is compared with the one beside it, however long both took."""
    growth = a_growth()
    growth.redirects[1000] = Paired(some_rounds(1, 10, 100), some_rounds(1.1, 11, 110))
    figures = {each.name: each for each in growth_findings(growth).figures}
    ratio = figures["redirect p95, 1,000 links against 10,000"]
    assert ratio.value == pytest.approx(1.1)
    assert ratio.is_met
    assert figures["disk per link"].value == 400


def test_what_got_slower_misses_its_goal() -> None:
    """Redirects are held against those with few links."""
    growth = a_growth()
    growth.redirects[1000] = Paired(some_rounds(1, 1, 1), some_rounds(2, 2, 2))
    missed = {f.name for f in growth_findings(growth).figures if f.is_met is False}
    assert missed == {"redirect p95, 1,000 links against 10,000"}


def test_an_answer_that_nobody_expected_is_wrong() -> None:
    """It is told with what was asked."""
    growth = a_growth()
    growth.redirects[1000] = Paired(some_rounds(1), some_rounds(1, status=503))
    assert growth_findings(growth).wrong == ["redirects beside 1,000 links: 1 times status 503"]
