"""What a section of the benchmark brings home: figures beside their goals, and charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number; the median, where there were several rounds."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    is_floor: bool = False
    """Whether the goal is the least that will do; otherwise it is the most."""
    rounds: Sequence[float] = ()
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.is_floor else self.value <= self.goal


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Curves over one axis."""

    title: str
    x_label: str
    y_label: str
    curves: Mapping[str, Sequence[tuple[float, float]]]
    is_logarithmic: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A bar for each thing, made of named parts that add up."""

    title: str
    unit: str
    bars: Mapping[str, Mapping[str, float]]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All of one section."""

    figures: Sequence[Figure]
    charts: Sequence[Chart] = field(default_factory=tuple)
    bars: Sequence[Bars] = field(default_factory=tuple)
    wrong: Sequence[str] = field(default_factory=tuple)
    """What must never be, whatever the figures: a click lost, or counted twice."""
