"""What the generator took, and how punctual it was: its faults must not pass for a server's."""

from tests.bench.findings import Figure
from tests.bench.fixed_rate.outcome import Outcome


def generator_figures(outcome: Outcome) -> list[Figure]:
    """Draw them up."""
    return [
        Figure(
            name="the generator's cost",
            value=outcome.cpu_us_per_request,
            unit="µs/request",
            note=f"{outcome.cpu_share:.0%} of a processor. {outcome.waited:,} requests found all"
            f" connections busy; {outcome.asked_again:,} were asked again.",
        ),
        Figure(
            name="the generator's lateness, p99",
            value=outcome.late_p99_ms,
            unit="ms",
            note=f"p50 {outcome.late_p50_ms:.2f} ms, at most {outcome.late_max_ms:.1f} ms;"
            " part of the latencies above.",
        ),
    ]
