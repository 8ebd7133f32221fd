"""How busy a pool of connections is, in plain numbers that cost a pool next to nothing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class PoolUsage:
    """What one pool does at the moment, and has done since it was made.

    `busy_s` is the time that its connections were in use, added up. Over any stretch of time it
    tells the true utilisation, where looking at `in_use` now and then misses what lies between.
    """

    __slots__ = ("_busy_s", "_changed_at", "_clock", "in_use", "size", "waiting")

    def __init__(self, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.size = size
        self.in_use = 0
        self.waiting = 0
        self._clock = clock
        self._busy_s = 0.0
        self._changed_at = clock()

    @property
    def busy_s(self) -> float:
        """Seconds of use so far, those of connections that are in use included."""
        return self._busy_s + self.in_use * (self._clock() - self._changed_at)

    def note_in_use(self, connections: int) -> None:
        """Say how many connections are in use from now on."""
        now = self._clock()
        self._busy_s += self.in_use * (now - self._changed_at)
        self._changed_at = now
        self.in_use = connections

    @contextmanager
    def one_waits(self) -> Iterator[None]:
        """Count a caller as waiting while the block runs."""
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1

    def details(self) -> dict[str, Any]:
        """Return what a health check shows."""
        return {
            "pool": {
                "size": self.size,
                "in_use": self.in_use,
                "waiting": self.waiting,
                "utilisation": round(self.in_use / self.size, 2),
            }
        }
