"""The figures of the API's reads: with few clicks, with many, and the one against the other."""

from collections.abc import Mapping, Sequence
from statistics import median

from tests.bench.api_reads import ApiRead
from tests.bench.findings import Figure, Findings
from tests.bench.fixed_rate.measure import Measured
from tests.bench.p95_rounds import median_figure, p95_ms, wrong_answers
from tests.bench.table_sizes import TableSizes

READ_RATIO = 1.5

Reads = Mapping[int, Mapping[ApiRead, Sequence[Measured]]]
"""By the number of clicks, the smaller first."""


def read_findings(reads: Reads, sizes: TableSizes) -> Findings:
    """Draw up what has been seen; `sizes` are those with all the clicks."""
    few, many = reads
    figures: list[Figure] = []
    for read in reads[few]:
        before, after = p95_ms(reads[few][read]), p95_ms(reads[many][read])
        ratio = median(after) / max(median(before), 1e-9)
        figures += [
            median_figure(f"{read.name}, p95 with {few:,} clicks", before, "ms"),
            median_figure(f"{read.name}, p95 with {many:,} clicks", after, "ms", read.goal_ms),
            median_figure(
                f"{read.name}, p95, {many:,} clicks against {few:,}", [ratio], "×", READ_RATIO
            ),
        ]
    asked = [
        (f"{read.name} with {clicks:,} clicks", rounds)
        for clicks, found in reads.items()
        for read, rounds in found.items()
    ]
    return Findings(figures=[*figures, *_disk(sizes, many)], wrong=wrong_answers(asked))


def _disk(sizes: TableSizes, clicks: int) -> list[Figure]:
    return [
        Figure(name=name, value=stored / clicks, unit="bytes", note="Tables and their indexes.")
        for name, stored in (
            ("disk per click", sizes.clicks_bytes),
            ("disk for the counts per click", sizes.counts_bytes),
            ("disk for the statistics per click", sizes.statistics_bytes),
        )
    ]
