"""Who tries out codes: a visitor that asks for too many unknown ones gets nothing for a while.

A budget for each address, which refills with time, in memory that has a bound. A plain redirect
costs one look at a dictionary that is empty unless somebody is being stopped.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache

from shared.address_pattern import parse_address
from shared.exempt_networks import Network
from shared.metrics import RedirectorMetrics

PERIOD_S = 60.0
"""What the budget is for, and how long a visitor is stopped who has used it up."""

MAX_ADDRESSES = 20_000
"""Some 4 MB at most. The address that was counted longest ago is forgotten for a new one."""


class ScanLimit:
    """Counts unknown codes by address; an IPv6 visitor is a /64, since one customer has all of it.

    Other paths where nothing is count as well, but not `/`, for which browsers and load balancers
    ask as they like. `per_period` of them within `PERIOD_S` are free, 0 stands for no limit;
    addresses in `exempt` are not counted. `qck_scan_limit_addresses` are being stopped,
    `qck_scan_limit_forgotten_total` counts addresses that were forgotten for others.
    """

    __slots__ = ("_budgets", "_clock", "_exempt", "_max_addresses", "_metrics", "_per_period",
                 "stopped")  # fmt: skip

    def __init__(
        self,
        *,
        per_period: int,
        exempt: Sequence[Network],
        clock: Callable[[], float],
        metrics: RedirectorMetrics,
        max_addresses: int = MAX_ADDRESSES,
    ) -> None:
        self._per_period = per_period
        self._exempt = tuple(exempt)
        self._clock = clock
        self._metrics = metrics
        self._max_addresses = max_addresses
        # Not plain dicts, which look for their first item among all that were taken out before it:
        # thousands that are forgotten at once would hold everybody up.
        # When the budget of each address will be whole again, the newest entry last.
        self._budgets: OrderedDict[bytes, float] = OrderedDict()
        self.stopped: OrderedDict[bytes, float] = OrderedDict()
        """Until when each address is stopped; empty almost always, so ask this first."""

    def note_unknown(self, address: bytes) -> None:
        """Take an unknown code from the budget of the visitor."""
        if not self._per_period or _is_in(address, self._exempt):
            return
        key = visitor_key(address)
        now = self._clock()
        whole_at = max(now, self._budgets.pop(key, 0.0)) + PERIOD_S / self._per_period
        if whole_at - now > PERIOD_S:
            self._forget(now)
            self.stopped[key] = now + PERIOD_S
            self._metrics.scan_limit_addresses.set(len(self.stopped))
            return
        self._budgets[key] = whole_at
        if len(self._budgets) > self._max_addresses:
            self._budgets.popitem(last=False)
            self._metrics.scan_limit_forgotten.inc()

    def stops(self, address: bytes) -> bool:
        """Tell whether this visitor gets nothing at the moment."""
        now = self._clock()
        if self.stopped.get(visitor_key(address), 0.0) > now:
            return True
        self._forget(now)
        return False

    def _forget(self, now: float) -> None:
        """Let go whose time is over, and the oldest if there is no room for one more."""
        while self.stopped:
            oldest = next(iter(self.stopped))
            if self.stopped[oldest] > now:
                if len(self.stopped) < self._max_addresses:
                    break
                self._metrics.scan_limit_forgotten.inc()
            del self.stopped[oldest]
        self._metrics.scan_limit_addresses.set(len(self.stopped))


@lru_cache(maxsize=8192)
def visitor_key(address: bytes) -> bytes:
    """Return what a visitor is counted by; what is no address is counted as it is."""
    parsed = parse_address(address.decode("latin-1"))
    if parsed is None:
        return address
    return parsed.packed if parsed.version == 4 else parsed.packed[:8]


@lru_cache(maxsize=8192)
def _is_in(address: bytes, networks: tuple[Network, ...]) -> bool:
    parsed = parse_address(address.decode("latin-1"))
    if parsed is None:
        return not address  # nobody told: no nginx is in front
    return any(parsed in network for network in networks)
