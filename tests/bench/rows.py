"""The table of a run: each figure beside its goal, with a verdict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor, log10

from tests.bench.findings import Figure
from tests.bench.outcome import Outcome

DIGITS = 3
"""How much of a figure is worth showing: rounds differ by a per cent or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of it; `verdict` is met, missed, broken, or "" where there is no goal."""

    section: str
    name: str
    goal: str = ""
    figure: str = ""
    verdict: str = ""
    rounds: str = ""
    note: str = ""


def create_rows(outcomes: Sequence[Outcome]) -> list[Row]:
    """Return the rows of all sections; what is broken comes first in each."""
    return [row for outcome in outcomes for row in _rows_of(outcome)]


def _rows_of(outcome: Outcome) -> Iterator[Row]:
    for problem in (outcome.error,) if outcome.error else outcome.findings.wrong:
        yield Row(section=outcome.name, name=problem, verdict="broken")
    for figure in outcome.findings.figures:
        yield Row(
            section=outcome.name,
            name=figure.name,
            goal=_goal(figure),
            figure=_with_unit(figure.value, figure.unit),
            verdict={None: "", True: "met", False: "missed"}[figure.is_met],
            rounds=_rounds(figure.rounds),
            note=figure.note,
        )


def shown(value: float) -> str:
    """Return a number with as many digits as mean something."""
    if value == 0 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:,.{max(0, DIGITS - 1 - floor(log10(abs(value))))}f}"


def _rounds(values: Sequence[float]) -> str:
    """List the rounds, unless a single one would only repeat the figure."""
    return ", ".join(map(shown, values)) if len(values) > 1 else ""


def _goal(figure: Figure) -> str:
    if figure.goal is None:
        return ""
    return f"{'≥' if figure.is_floor else '≤'} {_with_unit(figure.goal, figure.unit)}"


def _with_unit(value: float, unit: str) -> str:
    return f"{shown(value)} {unit}".rstrip()
