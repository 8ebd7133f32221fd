"""What Prometheus answers to the queries of all panels, in the form of panels."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from tests.support.monitoring import Dashboard, Query, dashboards
from tests.support.prometheus import Prometheus, Series

RATE_INTERVAL = "[10s]"
"""Four scrapes and more, as Grafana would choose it."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel with its curves by their legends."""

    title: str
    unit: str
    curves: dict[str, list[tuple[float, float]]]


@dataclass(slots=True)
class Found:
    """All that was answered."""

    first: float
    last: float
    queries: int = 0
    panels: list[tuple[Dashboard, Panel]] = field(default_factory=list)

    def empty(self) -> Iterator[tuple[Dashboard, Panel]]:
        """Yield the panels without a curve."""
        return ((dashboard, panel) for dashboard, panel in self.panels if not panel.curves)


async def ask_all(prometheus: Prometheus, first: float, last: float, step_s: float) -> Found:
    """Ask every query of every panel, over the time between two moments.

    Raises:
        AssertionError: Prometheus refuses one.
    """
    found = Found(first, last)
    for dashboard in dashboards():
        for (title, unit), queries in groupby(dashboard.queries, lambda q: (q.panel, q.unit)):
            curves: dict[str, list[tuple[float, float]]] = {}
            for query in queries:
                expression = query.expression.replace("[$__rate_interval]", RATE_INTERVAL)
                for series in await prometheus.over(expression, first, last, step_s):
                    curves[_legend(query, series)] = series.points
                found.queries += 1
            found.panels.append((dashboard, Panel(title, unit, curves)))
    return found


def _legend(query: Query, series: Series) -> str:
    legend = query.legend
    for name, value in series.labels.items():
        legend = legend.replace(f"{{{{{name}}}}}", value)
    return legend
