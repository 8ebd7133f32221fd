"""The figures of a run as rows of a table: name, figure, what it must be."""

from collections.abc import Iterator

from tests.resilience.backlog.record import Run, Stretch
from tests.resilience.backlog.watch import WATCHED
from tests.resilience.chaos.series import percentile
from tests.support.observe import REDIRECTORS

Row = tuple[str, str, str]

SHARES = (0.5, 0.95, 0.99)


def verdict_rows(run: Run) -> Iterator[Row]:
    """Yield what decides whether the run has passed."""
    outcome, verdict = run.outcome, run.outcome.verdict
    yield "clicks in the backlog", f"{outcome.backlog:,}", ""
    yield "lost of them", f"{outcome.backlog_lost:,}", "0"
    yield "doubled of them", f"{outcome.backlog_doubled:,}", "0"
    yield "visits meanwhile", f"{verdict.visits:,}", ""
    yield "failed of them", f"{verdict.failed:,}", "0"
    yield "their clicks lost", f"{verdict.lost:,}", "0"
    yield "their clicks doubled", f"{verdict.doubled:,}", "0"
    yield "rollups that differ from rows", f"{verdict.total - verdict.rows:,}", "0"
    yield "missing in the ledger", f"{outcome.missing_in_ledger:,}", "0"


def measured_rows(run: Run) -> Iterator[Row]:
    """Yield what was measured."""
    drain = run.drain
    drain_s = max(1.0, drain.ended_at - drain.began_at)
    yield "drain", f"{drain_s:.0f} s", ""
    yield "stored", f"{run.options.clicks / drain_s:,.0f} clicks/s", ""
    if run.published_at is not None:
        published_s = max(1.0, run.published_at - drain.began_at)
        yield "published", f"{run.options.clicks / published_s:,.0f} clicks/s", ""
    yield (
        "longest queue",
        f"{max((each.queued or 0 for each in drain.moments), default=0):,} messages",
        "",
    )
    yield (
        "fullest spools",
        f"{max((each.spool_bytes for each in drain.moments), default=0) / 1e6:,.0f} MB",
        "",
    )
    for name in WATCHED:
        before, peak = _peak_mb(run.calm, name), _peak_mb(drain, name)
        yield f"memory of {name}", f"{before:,.0f} → {peak:,.0f} MB", ""
    for name, stretch in (("calm", run.calm), ("RabbitMQ away", run.away), ("drain", drain)):
        yield f"redirect p50/p95/p99, {name}", _latency(stretch), ""
        # Where processors are scarce it is this that visitors wait for.
        yield f"redirectors' processors, {name}", _processors(stretch), ""


def _peak_mb(stretch: Stretch, name: str) -> float:
    return max((each.resident_bytes[name] for each in stretch.moments), default=0) / 1e6


def _latency(stretch: Stretch) -> str:
    latencies_ms = sorted(visit.latency_ms for visit in stretch.visits)
    figures = [percentile(latencies_ms, share) for share in SHARES]
    return " / ".join("?" if each is None else f"{each:.1f}" for each in figures) + " ms"


def _processors(stretch: Stretch) -> str:
    if len(stretch.moments) < 2:
        return "?"
    first, last = stretch.moments[0], stretch.moments[-1]
    used_s = waited_s = 0.0
    for name in REDIRECTORS:
        used_s += last.processor_s[name].used_s - first.processor_s[name].used_s
        waited_s += last.processor_s[name].waited_s - first.processor_s[name].waited_s
    seconds = (last.at - first.at) * len(REDIRECTORS)
    return f"{used_s / seconds:.0%} used, {waited_s / seconds:.0%} waited for"
