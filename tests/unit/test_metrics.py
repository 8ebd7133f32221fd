"""The catalogue of metrics, the page that is made from it, and what is really exposed."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from shared.metrics import IngestMetrics, RedirectorMetrics, ShortenerMetrics, create_registry
from shared.metrics.page import catalogue, render
from shared.pool_usage import PoolUsage

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/metrics.md"

AllMetrics = RedirectorMetrics | ShortenerMetrics | IngestMetrics

SAFE_LABELS = {
    "change", "method", "outcome", "pool", "queue", "reason", "route", "status", "store",
}  # fmt: skip

METRICS: dict[str, Callable[[CollectorRegistry], AllMetrics]] = {
    "redirector": RedirectorMetrics,
    "shortener": ShortenerMetrics,
    "click-ingest": IngestMetrics,
}


def test_the_page_is_up_to_date() -> None:
    """docs/metrics.md is what `make docs` makes."""
    assert PAGE.read_text() == render()


def test_no_label_can_hold_a_code_or_an_address() -> None:
    """All labels are of a fixed, short list."""
    for definitions in catalogue().values():
        for definition in definitions:
            assert set(definition.labels) <= SAFE_LABELS, definition.name


def test_names_say_what_is_counted() -> None:
    """Counters end in _total, nothing else does, and every name is used once a service."""
    for definitions in catalogue().values():
        names = [definition.name for definition in definitions]
        assert len(set(names)) == len(names)
        for definition in definitions:
            assert definition.name.startswith("qck_")
            assert definition.name.endswith("_total") == (definition.kind == "counter")


@pytest.mark.parametrize("service", METRICS)
def test_the_catalogue_is_what_is_exposed(service: str) -> None:
    """A scrape has each metric of the catalogue, of its kind, and no other."""
    registry = create_registry()
    metrics = METRICS[service](registry)
    metrics.pools.watch("any", PoolUsage(1))
    exposed = {
        f"{family.name}_total" if family.type == "counter" else family.name: family.type
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        if family.name.startswith("qck_")
    }
    assert exposed == {definition.name: definition.kind for definition in catalogue()[service]}


def test_docstrings_name_what_there_is() -> None:
    """A metric that code says something is counted by is in the catalogue, by its whole name."""
    known = {each.name for definitions in catalogue().values() for each in definitions}
    named = {
        name
        for folder in ("services", "shared")
        for path in (ROOT / folder).rglob("src/**/*.py")
        for name in re.findall(r"`(qck_\w+)", path.read_text())
    }
    assert named
    assert named <= known
