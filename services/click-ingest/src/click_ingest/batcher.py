"""When is it time to write: enough clicks, enough messages, or the first one is old enough."""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Batcher(Generic[T]):
    """Holds messages in the order of arrival and says when the leading ones are due.

    A batch is closed by `max_clicks` (its last message may take it above), by `max_messages`
    (which must stay below the broker's prefetch, or a batch of small messages would wait for
    deliveries that cannot come) or `max_age_s` after its first message. Nothing is ever lost here:
    what is held is unacknowledged, so the broker has it too.
    """

    __slots__ = ("_clicks", "_clock", "_held", "_max_age_s", "_max_clicks", "_max_messages")

    def __init__(
        self,
        *,
        max_clicks: int,
        max_messages: int,
        max_age_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._max_clicks = max_clicks
        self._max_messages = max_messages
        self._max_age_s = max_age_s
        self._clock = clock
        self._held: deque[tuple[T, int, float]] = deque()
        self._clicks = 0

    def add(self, message: T, clicks: int) -> None:
        """Hold a message of so many clicks."""
        self._held.append((message, clicks, self._clock()))
        self._clicks += clicks

    def due_in_s(self) -> float | None:
        """Return how long until a batch is due; 0 if it is, None while nothing is held."""
        if not self._held:
            return None
        if self._clicks >= self._max_clicks or len(self._held) >= self._max_messages:
            return 0.0
        _, _, arrived_at = self._held[0]
        return max(0.0, arrived_at + self._max_age_s - self._clock())

    def take(self) -> list[T]:
        """Return the leading messages that make one batch, due or not; the rest stay held."""
        batch: list[T] = []
        clicks_taken = 0
        while self._held and len(batch) < self._max_messages and clicks_taken < self._max_clicks:
            message, clicks, _ = self._held.popleft()
            batch.append(message)
            clicks_taken += clicks
        self._clicks -= clicks_taken
        return batch
