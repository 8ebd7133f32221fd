"""The figures of growing: times, and as multiples of what they were when there was less."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.api_reads import ApiRead
from tests.bench.findings import Figure, Findings
from tests.bench.fixed_rate.measure import Measured
from tests.bench.table_sizes import TableSizes

FEW_LINKS = 10_000
P95 = 0.95
REDIRECT_RATIO = 1.2
READ_RATIO = 1.5


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
    reads: dict[int, Mapping[ApiRead, Sequence[Measured]]] = field(default_factory=dict)
    """By the number of clicks."""
    cached_bytes_per_link: float = 0.0
    sizes: TableSizes | None = None
    """In the end."""


def growth_findings(growth: Growth, *, links: int, clicks: int) -> Findings:
    """Draw up what has been seen of so many links and clicks in the end."""
    figures: list[Figure] = []
    for count, paired in growth.redirects.items():
        figures += _redirects(count, paired)
    figures += [
        *_reads(growth.reads),
        Figure(name="memory of Redis per link", value=growth.cached_bytes_per_link, unit="bytes"),
    ]
    if growth.sizes is not None:
        figures += _sizes(growth.sizes, links, clicks)
    return Findings(figures=figures, wrong=[*_wrong(growth)])


def _redirects(links: int, paired: Paired) -> list[Figure]:
    few, many = _p95_ms(paired.few), _p95_ms(paired.many)
    ratios = [more / max(less, 1e-9) for less, more in zip(few, many, strict=True)]
    return [
        _figure(f"redirect p95 with {FEW_LINKS:,} links, beside {links:,}", few, "ms"),
        _figure(f"redirect p95 with {links:,} links", many, "ms"),
        _figure(
            f"redirect p95, {links:,} links against {FEW_LINKS:,}",
            ratios,
            "×",
            REDIRECT_RATIO,
            note="The median of the ratios, each of two rounds that followed one another.",
        ),
    ]


def _reads(reads: Mapping[int, Mapping[ApiRead, Sequence[Measured]]]) -> list[Figure]:
    few, many = reads
    figures = []
    for read in reads[few]:
        before, after = _p95_ms(reads[few][read]), _p95_ms(reads[many][read])
        ratio = median(after) / max(median(before), 1e-9)
        figures += [
            _figure(f"{read.name}, p95 with {few:,} clicks", before, "ms"),
            _figure(f"{read.name}, p95 with {many:,} clicks", after, "ms", read.goal_ms),
            _figure(
                f"{read.name}, p95, {many:,} clicks against {few:,}", [ratio], "×", READ_RATIO
            ),
        ]
    return figures


def _sizes(sizes: TableSizes, links: int, clicks: int) -> list[Figure]:
    note = "Tables and their indexes."
    per_link, per_click = sizes.links_bytes / links, sizes.clicks_bytes / clicks
    per_count = sizes.counts_bytes / clicks
    per_day = sizes.statistics_bytes / clicks
    return [
        Figure(name="disk per link", value=per_link, unit="bytes", note=note),
        Figure(name="disk per click", value=per_click, unit="bytes", note=note),
        Figure(name="disk for the counts per click", value=per_count, unit="bytes", note=note),
        Figure(name="disk for the statistics per click", value=per_day, unit="bytes", note=note),
    ]


def _wrong(growth: Growth) -> list[str]:
    found = [
        (f"redirects beside {links:,} links", [*paired.few, *paired.many])
        for links, paired in growth.redirects.items()
    ]
    found += [
        (f"{read.name} with {clicks:,} clicks", [*some])
        for clicks, reads in growth.reads.items()
        for read, some in reads.items()
    ]
    return [f"{name}: {text}" for name, some in found for each in some for text in each.wrong]


def _p95_ms(some: Sequence[Measured]) -> list[float]:
    return [each.latencies_ms.percentile(P95) for each in some]


def _figure(
    name: str, rounds: Sequence[float], unit: str, goal: float | None = None, note: str = ""
) -> Figure:
    return Figure(name=name, value=median(rounds), unit=unit, goal=goal, rounds=rounds, note=note)
