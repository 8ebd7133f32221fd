"""Rules, dashboards, runbooks and code name the same things."""

import re
from pathlib import Path

import pytest

from local_stack import prometheus
from local_stack.errors import SettingsError
from local_stack.home import PROJECT_ROOT
from local_stack.programs import SERVICES
from tests.support.monitoring import (
    OF_PROMETHEUS,
    Dashboard,
    alert_names,
    dashboards,
    exposed_series,
    recorded_names,
    rule_expressions,
    rules_text,
    series_of,
)

RUNBOOKS = PROJECT_ROOT / "docs/runbooks"
JOBS = re.findall(r"job_name: (\S+)", (prometheus.SHIPPED / "prometheus.yml").read_text())
SECTIONS = ("## What visitors see", "## Look at", "## Do", "## How to know that it worked")


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    """Pages that start in small letters, and their list, are of faults without an alert."""
    pages = {path.stem for path in RUNBOOKS.glob("[A-Z]*.md")} - {"README"}
    assert pages == alert_names(rules_text())


def test_every_alert_links_its_own_page() -> None:
    """The annotation of each rule leads to the page of that name."""
    found = re.findall(r"- alert: (\w+)\n.*?runbook: (\S+)\n", rules_text(), re.DOTALL)
    assert len(found) == rules_text().count("- alert:")
    for alert, link in found:
        assert link == f"docs/runbooks/{alert}.md"


@pytest.mark.parametrize("alert", sorted(alert_names(rules_text())))
def test_pages_have_all_their_parts(alert: str) -> None:
    """Symptom, what visitors see, where to look, what to do, how to know that it worked."""
    text = (RUNBOOKS / f"{alert}.md").read_text()
    assert text.startswith(f"# {alert}\n\n")
    assert [line for line in text.splitlines() if line.startswith("## ")] == list(SECTIONS)


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda page: page.stem)
def test_commands_of_runbooks_are_there(page: Path) -> None:
    """Each `make` that a page tells is a target, and no `docker compose` swaps the release."""
    text = page.read_text().replace("\\\n", "")
    makefile = (PROJECT_ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"(?:`|&& )make ([a-z-]+)", text)) <= targets
    # These take images called dev, or start what is none of theirs, unless told the release.
    swapping = re.compile(r"docker compose (?:--\S+ \S+ )?(?:up|run|start)\b")
    for line in text.splitlines():
        assert "RELEASE=" in line or not swapping.search(line), line


@pytest.mark.parametrize("job", JOBS)
def test_the_last_process_of_a_service_pages(job: str) -> None:
    """Each job that is scraped is in an alert that pages when none of its processes answers."""
    pages = re.findall(r"expr: (sum.*== 0)\n.*\n +labels: {severity: page}", rules_text())
    selectors = [re.search(r'up{job=~?"([^"]+)"}', expression) for expression in pages]
    assert any(found and re.fullmatch(found[1], job) for found in selectors)


@pytest.mark.parametrize("alert", sorted(alert_names(rules_text())))
def test_every_alert_is_tested(alert: str) -> None:
    """Some unit test has it fire, and some has it silent."""
    tests = "\n".join(
        path.read_text() for path in (prometheus.SHIPPED / "tests").glob("*.test.yml")
    )
    outcomes = re.findall(rf"alertname: {alert}\n +exp_alerts:(.*)", tests)
    assert "" in outcomes
    assert " []" in outcomes


def test_rules_ask_for_what_there_is() -> None:
    """Every series in a rule is in the catalogue or recorded by another rule."""
    known = exposed_series() | recorded_names(rules_text())
    expressions = rule_expressions(rules_text())
    assert len(expressions) == rules_text().count("  expr:")
    for expression in expressions:
        assert series_of(expression) <= known, expression


@pytest.mark.parametrize("dashboard", dashboards(), ids=lambda dashboard: dashboard.name)
def test_dashboards_ask_for_what_there_is(dashboard: Dashboard) -> None:
    """Every series in a panel is in the catalogue or recorded by a rule."""
    known = exposed_series() | recorded_names(rules_text())
    assert dashboard.queries
    for query in dashboard.queries:
        assert series_of(query.expression) <= known, query.expression


@pytest.mark.parametrize("dashboard", dashboards(), ids=lambda dashboard: dashboard.name)
def test_no_panel_shows_nought_of_what_nobody_tells(dashboard: Dashboard) -> None:
    """A service that is away is a gap; only Prometheus' own series are 0 where they are absent."""
    for query in dashboard.queries:
        if "vector(0)" in query.expression:
            assert series_of(query.expression) <= OF_PROMETHEUS, query.expression


def test_the_names_in_a_query_are_found() -> None:
    """Labels, strings, functions and keywords are no series."""
    query = 'sum by (le, up) (rate(a_bucket{x="y_z"}[5m])) / on (job) b:c or vector(0) and d'
    assert series_of(query) == {"a_bucket", "b:c", "d"}


def test_containers_are_scraped_where_they_listen() -> None:
    """Each service of docker-compose.yml is a target, at the port that it is told there."""
    compose = (PROJECT_ROOT / "docker-compose.yml").read_text()
    assert 'HTTP_PORT: "8000"' in compose
    configuration = (prometheus.SHIPPED / "prometheus.yml").read_text()
    targets = re.findall(r'targets: \["([^"]+)"\], labels: \{instance: ([^}]+)\}', configuration)
    assert targets == [(f"{name}:8000", name) for name in SERVICES]
    assert all(f"\n  {name}:" in compose for name in SERVICES)


def test_local_targets_are_put_in_their_place() -> None:
    """The local stack changes addresses and nothing else."""
    addresses = {name: f"127.0.0.1:{number}" for number, name in enumerate(SERVICES, 9000)}
    rendered = prometheus.files(addresses)
    assert rendered.keys() == {path.name for path in prometheus.SHIPPED.glob("*.yml")}
    text = rendered["prometheus.yml"]
    assert ":8000" not in text
    for address in addresses.values():
        text = text.replace(f'"{address}"', '"X"')
    shipped = (prometheus.SHIPPED / "prometheus.yml").read_text()
    assert text == re.sub(r'"[a-z0-9-]+:8000"', '"X"', shipped)


def test_faster_rules_keep_their_names() -> None:
    """Ranges, waits and intervals are divided; names of series and everything else stay."""
    rendered = prometheus.files({}, speed=60)
    assert "scrape_interval: 250ms" in rendered["prometheus.yml"]
    text = rendered["redirects.rules.yml"]
    assert "record: qck:redirects_slow:ratio_rate6h" in text
    assert "sum(rate(qck_redirects_total[360000ms]))" in text
    assert "for: 500ms" in text
    assert not re.search(r"(\[|for: )\d+[smhd]\b", "".join(rendered.values()))


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "10000"])
def test_a_speed_that_is_none(text: str) -> None:
    """It is told with the setting's name."""
    with pytest.raises(SettingsError, match="PROMETHEUS_SPEED"):
        prometheus.speed_of(text)
