"""What is left of the redirects a second while a store is dead or frozen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from local_stack.stack import Stack
from tests.bench.bench import Bench
from tests.bench.findings import Figure, Findings
from tests.bench.first_visit import check_redirects
from tests.bench.rounds import (
    Measured,
    interleave,
    measure,
    per_second,
    ratios,
    used_by_others,
    where_the_time_goes,
)
from tests.bench.site import Site, started_site
from tests.bench.stored import Answered, drain, judge, read_stored
from tests.bench.wrk import Wrk

LINKS = 10_000
ALIVE = "all alive"
READY_WITHIN_S = 90.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """A store that is away while visitors come; the supervisor leaves it so."""

    name: str
    store: str
    goal: float | None = None
    """How much of the redirects must be left."""
    is_frozen: bool = False

    def begin(self, stack: Stack) -> None:
        """Take the store away."""
        if self.is_frozen:
            stack.freeze(self.store)
        else:
            stack.stop_program(self.store)

    def end(self, stack: Stack) -> None:
        """Bring it back, and wait until everybody has noticed."""
        if self.is_frozen:
            stack.thaw(self.store)
        else:
            stack.start_program(self.store)
        for name in (self.store, "redirector-1", "redirector-2", "click-ingest"):
            stack.wait_ready(name, READY_WITHIN_S)


TROUBLES = (
    Trouble("Redis dead", "redis", goal=0.5),
    Trouble("Redis frozen", "redis", is_frozen=True),
    Trouble("RabbitMQ dead", "rabbitmq"),
    Trouble("PostgreSQL dead, links cached", "postgres"),
)


def run(bench: Bench) -> Findings:
    """Measure in turn, again and again: with everything alive, and in each trouble."""
    options = bench.options
    with started_site(bench.folder / "stack", LINKS, seed=options.seed) as site:
        wrk = Wrk(bench.folder, site.codes, site.host, options.seed)
        answered = Answered()
        check_redirects(site.target, site)
        answered.redirects += 1
        steps: dict[str, Callable[[], Measured]] = {
            ALIVE: partial(_measure, site, wrk, options.round_s)
        }
        for trouble in TROUBLES:
            steps[trouble.name] = partial(_measure_in, trouble, site, wrk, options.round_s)
        rounds = interleave(steps, options.rounds, bench.screen)
        for measured in rounds.values():
            answered.note_all(measured)
        stored = read_stored(site.stack)
    return Findings(
        figures=[
            Figure(
                name=f"saturation, {ALIVE}",
                value=round(median(per_second(rounds[ALIVE]))),
                unit="redirects/s",
                rounds=per_second(rounds[ALIVE]),
            ),
            *(figure for trouble in TROUBLES for figure in _figures(trouble, rounds)),
            used_by_others(rounds),
        ],
        bars=[where_the_time_goes(rounds)],
        wrong=judge(answered, stored),
    )


def _measure(site: Site, wrk: Wrk, seconds: float) -> Measured:
    measured = measure(site.target, wrk, seconds)
    drain(site.stack)
    return measured


def _measure_in(trouble: Trouble, site: Site, wrk: Wrk, seconds: float) -> Measured:
    trouble.begin(site.stack)
    try:
        measured = measure(site.target, wrk, seconds)
    finally:
        trouble.end(site.stack)
    # A Redis that was stopped has come back empty.
    site.cache_links()
    drain(site.stack)
    return measured


def _figures(trouble: Trouble, rounds: Mapping[str, Sequence[Measured]]) -> list[Figure]:
    measured = rounds[trouble.name]
    each = ratios(measured, rounds[ALIVE])
    loads = [load for one in measured for load in (one.warm_up, one.load)]
    return [
        Figure(
            name=f"{trouble.name}, against {ALIVE}",
            value=median(each),
            unit="×",
            goal=trouble.goal,
            is_floor=True,
            rounds=[round(ratio, 3) for ratio in each],
            note=f"{median(per_second(measured)):,.0f} redirects a second.",
        ),
        Figure(
            name=f"{trouble.name}, failed answers and broken connections",
            value=sum(load.failed + load.lost for load in loads),
            unit="",
            goal=0,
            note=f"Of {sum(load.requests for load in loads):,}, with those of the first seconds;"
            f" {sum(load.timeouts for load in loads):,} were late by more than 2 s.",
        ),
    ]
