"""Who takes a visit of a link that has only so many: visitors do, previews do not."""

from collections.abc import Callable
from typing import Protocol

from redirector.request import Request, judged_user_agent
from shared.link import Outcome
from shared.metrics import RedirectorMetrics


class VisitTaker(Protocol):
    """Where the visits that are left are counted."""

    async def take(self, link_id: int) -> bool:
        """Take one visit, if there is one."""

    async def has_left(self, link_id: int) -> bool:
        """Tell whether there is one."""


class VisitCharge:
    """Charges visits; HEAD, bots, previews and prefetches are redirected for free."""

    __slots__ = ("_is_bot", "_metrics", "_taker")

    def __init__(
        self, taker: VisitTaker, *, is_bot: Callable[[str], bool], metrics: RedirectorMetrics
    ) -> None:
        self._taker = taker
        self._is_bot = is_bot
        self._metrics = metrics

    async def charge(self, request: Request, link_id: int) -> Outcome:
        """Return REDIRECT, EXHAUSTED, or UNAVAILABLE if PostgreSQL, which counts, is away."""
        is_charged = (
            request.method == "GET"
            and b"prefetch" not in request.purpose
            and not self._is_bot(judged_user_agent(request).decode("latin-1"))
        )
        ask = self._taker.take if is_charged else self._taker.has_left
        try:
            return Outcome.REDIRECT if await ask(link_id) else Outcome.EXHAUSTED
        except Exception:  # only PostgreSQL can tell, and it does not answer
            self._metrics.database_errors.inc()
            return Outcome.UNAVAILABLE
