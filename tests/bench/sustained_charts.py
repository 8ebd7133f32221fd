"""The curves of a sustained run, over the seconds at the full rate."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from tests.bench.findings import Bars, Chart
from tests.bench.fixed_rate.summary import Summary
from tests.bench.watch import Look, Points, curve, processors, used_between
from tests.support.observe import REDIRECTORS

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}

_MB = 1_000_000


def sustained_charts(summary: Summary, looks: Sequence[Look], begins_at: float) -> list[Chart]:
    """Draw them."""

    def seen(value: Callable[[Look], float | None]) -> Points:
        return curve(looks, begins_at, value)

    def latency(share: float) -> Points:
        return [(at, each.percentile(share)) for at, each in enumerate(summary.by_second)]

    def memory(name: str) -> Points:
        return seen(lambda look: look.resident_bytes.get(name, 0) / _MB or None)

    return [
        _chart(
            "Latency",
            "ms",
            {name: latency(share) for name, share in SHARES.items()},
            is_logarithmic=True,
            note="From the moment at which a request was due.",
        ),
        _chart(
            "Redirects",
            "a second",
            {"answered": [(at, each.count) for at, each in enumerate(summary.by_second)]},
            note="By the second in which they were due.",
        ),
        _chart(
            "Processors",
            "busy",
            processors(looks, begins_at),
            note="Others are what else this machine did, the bench itself included.",
        ),
        _chart(
            "Memory",
            "MB",
            {name: memory(name) for name in REDIRECTORS},
            note="A redirector's resident pages.",
        ),
        _chart(
            "Age of the newest stored click", "s", {"lag": seen(lambda look: look.clicks.lag_s)}
        ),
        _chart(
            "Clicks in the spools",
            "KiB",
            {
                "spools": seen(
                    lambda look: (
                        None if look.clicks.spool_bytes is None else look.clicks.spool_bytes / 1024
                    )
                )
            },
        ),
        _chart("Queue", "messages", {"ready": seen(lambda look: look.clicks.queued)}),
        _chart("Cache hits", "%", {"hits": _hits(looks, begins_at)}),
    ]


def where_the_time_goes(looks: Sequence[Look]) -> Bars:
    """Draw what a redirect costs in each component."""
    parts: Mapping[str, float] = {}
    if len(looks) > 1:
        first, last = looks[0], looks[-1]
        redirects = last.counts.since(first.counts).redirects
        parts = used_between(first, last).per_piece_us(redirects)
    return Bars(
        title="Where the time goes",
        unit="µs of processor time per redirect",
        bars={"qck": parts},
        note="With the generator, which a site does not pay for.",
    )


def _chart(
    title: str,
    y_label: str,
    curves: Mapping[str, Points],
    *,
    is_logarithmic: bool = False,
    note: str = "",
) -> Chart:
    return Chart(
        title=title,
        x_label="seconds at the full rate",
        y_label=y_label,
        curves=curves,
        is_logarithmic=is_logarithmic,
        note=note,
    )


def _hits(looks: Sequence[Look], begins_at: float) -> Points:
    return [
        (after.at - begins_at, after.counts.since(before.counts).hit_ratio * 100)
        for before, after in pairwise(looks)
    ]
