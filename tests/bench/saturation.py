"""How many redirects a second there can be, every click stored, beside what others can do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from tests.bench.bench import Bench
from tests.bench.findings import Figure, Findings
from tests.bench.first_visit import check_redirects
from tests.bench.references.running import started_references
from tests.bench.references.textbook import forget_messages
from tests.bench.rounds import (
    Measured,
    Target,
    costs,
    interleave,
    measure,
    per_second,
    ratios,
    used_by_others,
    where_the_time_goes,
)
from tests.bench.site import Site, started_site
from tests.bench.stored import Answered, drain, judge, read_stored, stored_so_far
from tests.bench.wrk import Wrk

LINKS = 10_000

GOALS = {"textbook": 4.0, "nginx + Lua + Redis": 0.40}
"""How many times as fast as each of these qck has to be."""


def run(bench: Bench) -> Findings:
    """Measure in turn, again and again: qck, and each of the references."""
    options = bench.options
    with (
        started_site(bench.folder / "stack", LINKS, seed=options.seed) as site,
        started_references(bench.folder, site) as references,
    ):
        wrk = Wrk(bench.folder, site.codes, site.host, options.seed)
        ours = _Ours(site)
        for target in (site.target, *references):
            check_redirects(target, site)
        ours.answered.redirects += 1
        steps: dict[str, Callable[[], Measured]] = {
            "qck": partial(ours.measure, wrk, options.round_s)
        }
        for target in references:
            steps[target.name] = partial(_measure_other, target, site, wrk, options.round_s)
        rounds = interleave(steps, options.rounds, bench.screen)
        stored = read_stored(site.stack)
    return Findings(
        figures=[
            *_speeds(rounds),
            *_ratios(rounds),
            *costs(rounds),
            *_failed(rounds),
            ours.unfinished(),
            used_by_others(rounds),
        ],
        bars=[where_the_time_goes(rounds)],
        wrong=judge(ours.answered, stored),
    )


@dataclass(slots=True)
class _Ours:
    """qck's own rounds: what visitors were answered, and how much of it was stored at once."""

    site: Site
    answered: Answered = field(default_factory=Answered)
    waiting: list[int] = field(default_factory=list)
    """Clicks that were not stored yet when a round was over."""

    def measure(self, wrk: Wrk, seconds: float) -> Measured:
        """Measure a round, and wait until all of its clicks are stored."""
        measured = measure(self.site.target, wrk, seconds)
        self.answered.note(measured.warm_up, measured.load)
        self.waiting.append(max(0, self.answered.redirects - stored_so_far(self.site.stack)))
        # What comes next must not be slowed down by clicks that are still on their way.
        drain(self.site.stack)
        return measured

    def unfinished(self) -> Figure:
        """Tell how far the storing of clicks was behind."""
        return Figure(
            name="clicks still on their way when a round ends",
            value=median(self.waiting),
            unit="",
            rounds=self.waiting,
            note="All of them are stored before the next round; storing them is in no chart.",
        )


def _measure_other(target: Target, site: Site, wrk: Wrk, seconds: float) -> Measured:
    measured = measure(target, wrk, seconds)
    forget_messages(site)
    return measured


def _speeds(rounds: Mapping[str, Sequence[Measured]]) -> list[Figure]:
    return [
        Figure(
            name=f"saturation, {name}",
            value=round(median(per_second(measured))),
            unit="redirects/s",
            rounds=per_second(measured),
        )
        for name, measured in rounds.items()
    ]


def _ratios(rounds: Mapping[str, Sequence[Measured]]) -> list[Figure]:
    figures = []
    for name, measured in rounds.items():
        if name == "qck":
            continue
        each = ratios(rounds["qck"], measured)
        figures.append(
            Figure(
                name=f"qck against {name}",
                value=median(each),
                unit="×",
                goal=GOALS.get(name),
                is_floor=True,
                rounds=[round(ratio, 3) for ratio in each],
            )
        )
    return figures


def _failed(rounds: Mapping[str, Sequence[Measured]]) -> list[Figure]:
    return [
        Figure(
            name=f"failed answers and broken connections, {name}",
            value=sum(
                load.failed + load.lost for each in measured for load in (each.warm_up, each.load)
            ),
            unit="",
            goal=0,
        )
        for name, measured in rounds.items()
    ]
