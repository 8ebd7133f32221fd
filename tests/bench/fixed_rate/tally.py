"""The generator's own books: what was due, answered, failed, and how late it was itself."""

import time
from collections import Counter

from tests.bench.fixed_rate.outcome import Outcome
from tests.bench.percentiles import Distribution


class Tally:
    """Starts its clocks when it is made."""

    __slots__ = (
        "_began_at",
        "_cpu_s",
        "again",
        "answered",
        "due",
        "failures",
        "last_answer",
        "late",
        "started",
        "waited",
    )

    def __init__(self) -> None:
        self._began_at = time.time()
        self._cpu_s = time.process_time()
        self.started = self.last_answer = time.perf_counter()
        self.due = 0
        self.answered = 0
        self.waited = 0
        self.failures: Counter[str] = Counter()
        self.again: set[int] = set()
        """Numbers of the requests that were asked again."""
        self.late = Distribution()

    @property
    def open(self) -> int:
        """How many requests that are due have not come to an end."""
        return self.due - self.answered - self.failures.total()

    def outcome(self) -> Outcome:
        """Close the books."""
        return Outcome(
            began_at=self._began_at,
            last_answer_at=self._began_at + self.last_answer - self.started,
            sent=self.due,
            answered=self.answered,
            failures=self.failures,
            asked_again=len(self.again),
            waited=self.waited,
            cpu_s=time.process_time() - self._cpu_s,
            wall_s=time.perf_counter() - self.started,
            late_p50_ms=self.late.percentile(0.5) * 1000,
            late_p99_ms=self.late.percentile(0.99) * 1000,
            late_max_ms=self.late.max * 1000,
        )
