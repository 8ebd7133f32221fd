"""Percentiles out of counts: near enough, and never beyond what was seen."""

import random

import pytest

from tests.bench.percentiles import Distribution


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99, 0.999])
def test_a_percentile_is_within_a_per_cent(share: float) -> None:
    """The buckets are one per cent wide, over any range."""
    dice = random.Random(5)  # noqa: S311 - a repeatable choice, no secret
    values = sorted(dice.lognormvariate(1, 2) for _ in range(10_000))
    exact = values[int(share * len(values)) - 1]
    assert Distribution(values).percentile(share) == pytest.approx(exact, rel=0.01)


def test_the_highest_value_is_exact() -> None:
    """A single slow answer is told as it was."""
    seen = Distribution([1.0, 123.456, 2.0])
    assert seen.max == seen.percentile(1) == 123.456
    assert seen.count == 3
    assert seen.total == pytest.approx(126.456)


def test_half_of_two_values_is_the_lower() -> None:
    """At least that share of the values does not exceed it, and no more is claimed."""
    assert Distribution([1.0, 100.0]).percentile(0.5) == pytest.approx(1.0, rel=0.01)


def test_merging_is_counting_both() -> None:
    """Seconds join to the whole run."""
    whole = Distribution([1.0] * 90)
    whole.merge(Distribution([50.0] * 10))
    assert whole.count == 100
    assert whole.max == 50
    assert whole.percentile(0.9) == pytest.approx(1, rel=0.01)
    assert whole.percentile(0.91) == pytest.approx(50, rel=0.01)


def test_nothing_seen_and_zero_seen() -> None:
    """Neither is an error."""
    assert Distribution().percentile(0.99) == 0
    assert Distribution([0.0]).percentile(0.5) == 0
