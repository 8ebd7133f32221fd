"""The figures of more links: redirects, and as multiples of what they take with few."""

from dataclasses import dataclass, field

from tests.bench.findings import Figure, Findings
from tests.bench.fixed_rate.measure import Measured
from tests.bench.p95_rounds import median_figure, p95_ms, wrong_answers

FEW_LINKS = 10_000
REDIRECT_RATIO = 1.2


@dataclass(slots=True)
class Paired:
    """Rounds on the stack with few links and on the one with many, in turn."""

    few: list[Measured] = field(default_factory=list)
    many: list[Measured] = field(default_factory=list)


@dataclass(slots=True)
class Growth:
    """All that was seen of it."""

    redirects: dict[int, Paired] = field(default_factory=dict)
    """By the number of links of the stack with many."""
    cached_bytes_per_link: float = 0.0
    disk_bytes_per_link: float = 0.0
    """In the end, indexes included."""


def growth_findings(growth: Growth) -> Findings:
    """Draw up what has been seen."""
    figures: list[Figure] = []
    for count, paired in growth.redirects.items():
        figures += _redirects(count, paired)
    figures += [
        Figure(name="memory of Redis per link", value=growth.cached_bytes_per_link, unit="bytes"),
        Figure(
            name="disk per link",
            value=growth.disk_bytes_per_link,
            unit="bytes",
            note="The table and its indexes.",
        ),
    ]
    asked = [
        (f"redirects beside {links:,} links", [*paired.few, *paired.many])
        for links, paired in growth.redirects.items()
    ]
    return Findings(figures=figures, wrong=wrong_answers(asked))


def _redirects(links: int, paired: Paired) -> list[Figure]:
    few, many = p95_ms(paired.few), p95_ms(paired.many)
    ratios = [more / max(less, 1e-9) for less, more in zip(few, many, strict=True)]
    return [
        median_figure(f"redirect p95 with {FEW_LINKS:,} links, beside {links:,}", few, "ms"),
        median_figure(f"redirect p95 with {links:,} links", many, "ms"),
        median_figure(
            f"redirect p95, {links:,} links against {FEW_LINKS:,}",
            ratios,
            "×",
            REDIRECT_RATIO,
            note="The median of the ratios, each of two rounds that followed one another.",
        ),
    ]
