"""The sizing document's load, as rates over time: what is asked for at each second of a run."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp

Curve = Callable[[float], float]
"""From the share of the run that has passed (0 to 1) to requests a second."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One shape of load, and how long it lasts unless told."""

    name: str
    rate: Curve
    duration_s: float

    def planned(self, duration_s: float) -> float:
        """Return how many requests a run of that length asks for."""
        steps = 1000
        return sum(self.rate((step + 0.5) / steps) for step in range(steps)) * duration_s / steps

    @property
    def peak(self) -> float:
        """The highest rate there is."""
        return max(self.rate(step / 1000) for step in range(1000))


def _day(passed: float) -> float:
    """A million clicks a day: 12 a second on average, 100 at the peak of the evening."""
    hour = passed * 24
    return 4.4 + 95.6 * exp(-(((hour - 20) / 1.1) ** 2))


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("average", lambda _: 12.0, 60),
        Profile("peak", lambda _: 100.0, 60),
        Profile("burst", lambda _: 200.0, 60),
        Profile("day", _day, 120),
        Profile("soak", lambda _: 1000.0, 1200),
    )
}
