"""What came of a plan, and how well the generator itself did."""

from collections.abc import Mapping

import msgspec


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of a run; each request by itself is in the file of records."""

    began_at: float
    """Unix time from which requests were due."""
    last_answer_at: float
    sent: int
    """Due before the end, whatever came of them."""
    answered: int
    failures: Mapping[str, int]
    """Requests without a whole answer, by what went wrong."""
    asked_again: int
    """On another connection, since the server closed the kept one without a byte, as it may."""
    waited: int
    """Requests that found all connections busy when they were due."""
    cpu_s: float
    """Of the generator, from the first request to the last answer."""
    wall_s: float
    late_p50_ms: float
    """How long after its time a request's turn came: the generator's own lateness. It is in the
    latencies too, so a late generator makes them worse and never better."""
    late_p99_ms: float
    late_max_ms: float

    @property
    def failed(self) -> int:
        """How many requests got no whole answer."""
        return sum(self.failures.values())

    @property
    def cpu_us_per_request(self) -> float:
        """What a request costs the generator."""
        return self.cpu_s / max(1, self.sent) * 1e6

    @property
    def cpu_share(self) -> float:
        """How much of one processor the generator took."""
        return self.cpu_s / max(self.wall_s, 1e-9)
