"""docs/metrics.md, made from the catalogue: `python -m shared.metrics.page FILE`, `make docs`."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

from shared.metrics.click_ingest import IngestMetrics
from shared.metrics.instruments import Definition
from shared.metrics.redirector import RedirectorMetrics
from shared.metrics.shortener import ShortenerMetrics

_HEAD = """\
# Metrics

Made from `shared/src/shared/metrics/` by `make docs`; do not edit.

Every process answers `GET /metrics` on its internal port in Prometheus' text format. No label ever
holds a short code, a URL or anything else of a visitor's. What the hot path counts are plain
numbers, put into this form when they are scraped.

Beside these there are `process_*` (processor time, memory, open files, start) and `python_gc_*` of
each process. Recording rules and alerts made of them are in `deploy/prometheus/`, what to do about
an alert is in [runbooks](runbooks/).
"""


def catalogue() -> dict[str, Sequence[Definition]]:
    """Return the metrics of each service, in the order in which they are explained."""
    return {
        "redirector": RedirectorMetrics(CollectorRegistry()).definitions,
        "shortener": ShortenerMetrics(CollectorRegistry()).definitions,
        "click-ingest": IngestMetrics(CollectorRegistry()).definitions,
    }


def render() -> str:
    """Return the page."""
    return _HEAD + "".join(
        f"\n## {service}\n\n| metric | kind | labels | what it says |\n|---|---|---|---|\n"
        + "".join(_rows(definitions))
        for service, definitions in catalogue().items()
    )


def _rows(definitions: Sequence[Definition]) -> Iterator[str]:
    for definition in definitions:
        labels = ", ".join(f"`{label}`" for label in definition.labels)
        says = definition.documentation
        if definition.bounds:
            says += f"; up to {', '.join(f'{bound:g}' for bound in definition.bounds)}"
        yield f"| `{definition.name}` | {definition.kind} | {labels} | {says} |\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render())
