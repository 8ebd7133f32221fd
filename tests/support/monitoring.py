"""What is in deploy/prometheus and deploy/grafana, read as text: names, queries, alerts."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from local_stack.home import PROJECT_ROOT
from local_stack.prometheus import SHIPPED
from shared.metrics.page import catalogue

DASHBOARDS = PROJECT_ROOT / "deploy/grafana/dashboards"

OF_EVERY_PROCESS = {
    "process_cpu_seconds_total", "process_open_fds", "process_resident_memory_bytes",
    "process_start_time_seconds",
}  # fmt: skip
OF_PROMETHEUS = {"up", "ALERTS"}

_STRING = re.compile(r'"[^"]*"')
_LABEL_LIST = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right) *\([^)]*\)")
_SELECTOR = re.compile(r"\{[^}]*\}")
_RANGE = re.compile(r"\[[^\]]*\]")
_FUNCTION = re.compile(r"\b[a-z_]+ *(?=\()")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_OPERATORS = {"and", "or", "unless", "bool", "offset"}


@dataclass(frozen=True, slots=True)
class Query:
    """One curve of a panel."""

    panel: str
    unit: str
    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard's title and all its queries, in the order of its panels."""

    name: str
    title: str
    queries: tuple[Query, ...]


def dashboards() -> list[Dashboard]:
    """Read all of them."""
    return [_dashboard(path) for path in sorted(DASHBOARDS.glob("*.json"))]


def _dashboard(path: Path) -> Dashboard:
    content = json.loads(path.read_text())
    queries = tuple(
        Query(
            panel["title"],
            panel["fieldConfig"]["defaults"]["unit"],
            target["expr"],
            target["legendFormat"],
        )
        for panel in content["panels"]
        for target in panel["targets"]
    )
    return Dashboard(path.stem, content["title"], queries)


def rules_text() -> str:
    """Return the text of all rule files."""
    return "\n".join(path.read_text() for path in sorted(SHIPPED.glob("*.rules.yml")))


def alert_names(text: str) -> set[str]:
    """Return the alerts of rule files."""
    return set(re.findall(r"^ +- alert: (\w+)$", text, re.MULTILINE))


def recorded_names(text: str) -> set[str]:
    """Return the series that the rules record."""
    return set(re.findall(r"^ +- record: (\S+)$", text, re.MULTILINE))


def rule_expressions(text: str) -> list[str]:
    """Return the expressions of rule files, each on one line."""
    found = re.findall(r"^        expr: (?:>-\n((?:          .*\n)+)|(.+)\n)", text, re.MULTILINE)
    return [" ".join((folded or line).split()) for folded, line in found]


def exposed_series() -> set[str]:
    """Return the names of all series that a scrape of our processes has."""
    ours = {
        series
        for definitions in catalogue().values()
        for definition in definitions
        for series in definition.series
    }
    return ours | OF_EVERY_PROCESS | OF_PROMETHEUS


def series_of(expression: str) -> set[str]:
    """Return the names of the series that a query asks for."""
    bare = expression
    for not_a_name in (_STRING, _LABEL_LIST, _SELECTOR, _RANGE, _FUNCTION):
        bare = not_a_name.sub(" ", bare)
    return set(_NAME.findall(bare)) - _OPERATORS
