"""Rounds of full load on several things in turn, so that a change of weather hits them alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.bench import Screen
from tests.bench.cpu import Components, cpu_seconds, spent
from tests.bench.findings import Bars, Figure
from tests.bench.wrk import Load, Wrk

WARM_UP_S = 2.0
GENERATOR = "generator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something that redirects, and the processes that it does so with."""

    name: str
    port: int
    components: Callable[[], Components]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One round."""

    warm_up: Load
    load: Load
    cpu_us: Mapping[str, float]
    """Processor time by component for each redirect."""
    others_percent: float = 0.0
    """How much of the machine was used by what has nothing to do with it."""


def measure(target: Target, wrk: Wrk, seconds: float) -> Measured:
    """Put the target under full load."""
    warm_up = wrk.run(target.port, WARM_UP_S)
    components = target.components()
    before, looked_at = cpu_seconds(components), time.monotonic()
    load = wrk.run(target.port, seconds)
    # The generator counts from its first request on; what others use begins with the first look.
    lasted_s = time.monotonic() - looked_at
    used = spent(before, cpu_seconds(components)).with_component(GENERATOR, load.cpu_s)
    return Measured(
        warm_up=warm_up,
        load=load,
        cpu_us=used.per_piece_us(load.redirects),
        others_percent=used.others_percent(lasted_s),
    )


def interleave(
    steps: Mapping[str, Callable[[], Measured]], rounds: int, screen: Screen
) -> dict[str, list[Measured]]:
    """Take every step once a round; return what each came to, round by round."""
    found: dict[str, list[Measured]] = {name: [] for name in steps}
    with screen.progress("measurements", rounds * len(steps)) as advance:
        for number in range(rounds):
            for name, step in steps.items():
                measured = step()
                found[name].append(measured)
                screen.say(
                    f"round {number + 1}: {name}, {measured.load.per_second:,.0f} redirects a"
                    f" second, {measured.load.failed} failed"
                )
                advance(1)
    return found


def per_second(rounds: Sequence[Measured]) -> list[float]:
    """Return the redirects a second of each round."""
    return [round(each.load.per_second, 1) for each in rounds]


def ratios(ours: Sequence[Measured], theirs: Sequence[Measured]) -> list[float]:
    """Return how many times as fast ours was in each round."""
    return [
        own.load.per_second / max(other.load.per_second, 1e-9)
        for own, other in zip(ours, theirs, strict=True)
    ]


def used_by_others(rounds: Mapping[str, Sequence[Measured]]) -> Figure:
    """Tell how quiet the machine was: on a busy one, ratios are worth more than speeds."""
    shares = [each.others_percent for measured in rounds.values() for each in measured]
    return Figure(
        name="machine used by others meanwhile",
        value=median(shares),
        unit="%",
        note=f"Of all cores, at most {max(shares):.0f} %. Parts of the stack that are not in the"
        " chart count too.",
    )


def costs(rounds: Mapping[str, Sequence[Measured]]) -> list[Figure]:
    """Tell what a redirect costs in all, which a busy machine changes less than the speed."""
    found = []
    for name, measured in rounds.items():
        each = [sum(one.cpu_us.values()) - one.cpu_us[GENERATOR] for one in measured]
        found.append(
            Figure(
                name=f"processor time of a redirect, {name}",
                value=median(each),
                unit="µs",
                rounds=[round(cost, 1) for cost in each],
                note="Of all components together, without the generator.",
            )
        )
    return found


def where_the_time_goes(rounds: Mapping[str, Sequence[Measured]]) -> Bars:
    """Draw up what a redirect costs in each component, the median of the rounds."""
    return Bars(
        title="Where the time goes",
        unit="µs of processor time per redirect",
        bars={
            name: {
                component: median(each.cpu_us[component] for each in measured)
                for component in measured[0].cpu_us
            }
            for name, measured in rounds.items()
        },
        note="With children, as the kernel accounts it; what the kernel does for a connection"
        " counts for the process at either end.",
    )
