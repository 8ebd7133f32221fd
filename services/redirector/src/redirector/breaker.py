"""A breaker: after repeated failures a dependency is left alone, and probed until it is back."""

import asyncio
from collections.abc import Awaitable, Callable

PROBE_INTERVAL_S = 0.1
FAILURES_TO_OPEN = 3


class Breaker:
    """Open (`is_open`) means: do not even ask, the answer would be an error or a timeout.

    Three failures in a row open it. While it is open, `probe` is tried ten times a second by a
    task of the breaker's own, so no visitor pays for finding out; the first success closes it.
    """

    __slots__ = ("_failures", "_on_change", "_probe", "_tasks", "is_open")

    def __init__(
        self,
        probe: Callable[[], Awaitable[object]],
        *,
        tasks: asyncio.TaskGroup,
        on_change: Callable[[bool], None],
    ) -> None:
        self._probe = probe
        self._tasks = tasks
        self._on_change = on_change
        self._failures = 0
        self.is_open = False

    def succeeded(self) -> None:
        """Say that a call got its answer."""
        self._failures = 0

    def failed(self) -> None:
        """Say that a call got none; may open the breaker."""
        self._failures += 1
        if self._failures >= FAILURES_TO_OPEN and not self.is_open:
            self.is_open = True
            self._on_change(True)
            self._tasks.create_task(self._probe_until_back())

    async def _probe_until_back(self) -> None:
        while True:
            await asyncio.sleep(PROBE_INTERVAL_S)
            try:
                await self._probe()
            except Exception:  # noqa: S112 - any failure means "not back yet"; metrics show it
                continue
            self._failures = 0
            self.is_open = False
            self._on_change(False)
            return
