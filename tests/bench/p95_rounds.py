"""Rounds at a fixed rate as figures: the median of their p95, and what was answered wrongly."""

from collections.abc import Iterable, Sequence
from statistics import median

from tests.bench.findings import Figure
from tests.bench.fixed_rate.measure import Measured

P95 = 0.95


def p95_ms(rounds: Sequence[Measured]) -> list[float]:
    """Return the p95 of each round."""
    return [each.latencies_ms.percentile(P95) for each in rounds]


def median_figure(
    name: str, rounds: Sequence[float], unit: str, goal: float | None = None, note: str = ""
) -> Figure:
    """Make a figure of which the median counts."""
    return Figure(name=name, value=median(rounds), unit=unit, goal=goal, rounds=rounds, note=note)


def wrong_answers(asked: Iterable[tuple[str, Iterable[Measured]]]) -> list[str]:
    """Say of each thing that was asked for what nobody expected as its answer."""
    return [f"{name}: {text}" for name, rounds in asked for each in rounds for text in each.wrong]
