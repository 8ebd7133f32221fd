"""Stop before a bad deploy empties the queue into the dead letters."""

from collections import deque


class PoisonLimitExceededError(Exception):
    """Too many of the newest clicks are poison: people must look before more is set aside."""


class PoisonGuard:
    """Knows the share of poison among the newest clicks.

    The share is of `window_clicks` or of one batch, whichever is more, also while fewer have been
    seen: a worker that starts into nothing but poison stops soon, and a single bad click does not
    stop one that has just started.
    """

    __slots__ = ("_recent", "_share_limit", "_window_clicks")

    def __init__(self, *, share_limit: float, window_clicks: int) -> None:
        self._share_limit = share_limit
        self._window_clicks = window_clicks
        self._recent: deque[tuple[int, int]] = deque()

    def admit(self, clicks: int, poison: int) -> None:
        """Check a batch before anything of it is stored or set aside; counts nothing yet.

        Raises:
            PoisonLimitExceededError: with this batch the share is above the limit.
        """
        if not poison:
            return
        clicks_seen, poison_seen = clicks, poison
        for earlier_clicks, earlier_poison in reversed(self._recent):
            if clicks_seen >= self._window_clicks:
                break
            clicks_seen += earlier_clicks
            poison_seen += earlier_poison
        considered = max(clicks_seen, self._window_clicks)
        if poison_seen > self._share_limit * considered:
            raise PoisonLimitExceededError(
                f"{poison_seen} of the last {clicks_seen} clicks are poison, more than"
                f" {self._share_limit:.0%} of {considered}"
            )

    def count(self, clicks: int, poison: int) -> None:
        """Count a batch that was dealt with."""
        self._recent.append((clicks, poison))
        held = sum(earlier for earlier, _ in self._recent)
        while held - self._recent[0][0] >= self._window_clicks:
            held -= self._recent.popleft()[0]
