"""One run from beginning to end: traffic, faults, healing, the drain and the verdict."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from local_stack.stack import Stack
from tests.resilience.chaos.fault import SPOOL_DISK, Episode, Fault
from tests.resilience.chaos.faults import Faults
from tests.resilience.chaos.outages import Excuses
from tests.resilience.chaos.schedule import ACTIONS, Round, create_schedule
from tests.resilience.chaos.spool_disk import SpoolDisk
from tests.support.crowd import Crowd, visiting
from tests.support.link_author import Author, create_links
from tests.support.observe import REDIRECTORS, Observer, Sample
from tests.support.run_terminal import RunTerminal
from tests.support.stack import a_stack
from tests.support.stored import read_stored, wait_until_drained
from tests.support.verdict import Verdict, judge
from tests.support.visit import Visit
from tests.support.visitors import UNCACHED_SHARE, Plan

POPULAR_LINKS = 500
WARM_WITHIN_S = 30.0
DRAINED_WITHIN_S = 120.0
LATE_S = 60.0
"""Most by which slow recoveries may delay the schedule; later rounds are left out."""
HEALED_WITHIN_S = 300.0
LAST_CALM_S = 3.0


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is to do."""

    seed: int
    duration_s: float
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All that was seen of a run."""

    options: Options
    began_at: float
    ended_at: float
    episodes: list[Episode]
    not_run: list[str]
    """What this machine does not allow, or for which there was no time."""
    visits: list[Visit]
    samples: list[Sample]
    links_created: int
    links_refused: int
    verdict: Verdict


@contextmanager
def chaos_stack(options: Options) -> Iterator[tuple[Stack, SpoolDisk]]:
    """Start a stack in a temporary folder, its spools on a disk of their own where possible."""
    with TemporaryDirectory(prefix="qck-chaos-", ignore_cleanup_errors=True) as folder:
        disk = SpoolDisk(Path(folder) / "spool")
        stack = a_stack(Path(folder))
        try:
            disk.mount(options.per_second)
            stack.start()
            yield stack, disk
        finally:
            stack.stop()
            disk.unmount()


async def run_chaos(options: Options, stack: Stack, disk: SpoolDisk, terminal: RunTerminal) -> Run:
    """Run the schedule of the options' seed on a started stack, and judge."""
    components = [name for name in ACTIONS if disk.is_mounted or name != SPOOL_DISK]
    not_run = [f"{name}: not allowed here" for name in ACTIONS if name not in components]
    rounds = create_schedule(options.seed, options.duration_s, components)
    faults, author = Faults(stack, disk), Author()
    plan = await _plan_visits(options, stack, faults)
    episodes: list[Episode] = []
    async with Observer(stack) as observer:
        async with visiting(plan, stack.home.path) as crowd:
            warm = 2 * len(plan.popular)
            await crowd.wait_for(warm, WARM_WITHIN_S + warm / options.per_second)
            began_at = time.time()
            terminal.begin(options.duration_s)
            async with _alongside(
                observer.watch(), author.write(stack), _tell(terminal, crowd, observer)
            ):
                not_run += await _carry_out(rounds, faults, episodes, options, terminal)
                async with asyncio.timeout(HEALED_WITHIN_S):
                    problems = await faults.heal()
                await asyncio.sleep(LAST_CALM_S)
                if not crowd.is_there():
                    problems.append("the visitors went away before the end")
            ended_at = time.time()
        terminal.say("everything is whole again; waiting for the last clicks to be stored")
        left = await wait_until_drained(
            observer, disk.folder, spools=len(REDIRECTORS), within_s=DRAINED_WITHIN_S
        )
    verdict = judge(
        crowd.visits,
        links={*plan.popular, *plan.rare},
        stored=await read_stored(stack.urls.database_url, author.created),
        shed=observer.shed.total,
        is_excused=Excuses(episodes, crowd.visits).allows,
        problems=[
            *problems,
            *([left] if left else []),
            *(f"{each.fault}: {each.problem}" for each in episodes if each.problem),
        ],
    )
    return Run(
        options=options,
        began_at=began_at,
        ended_at=ended_at,
        episodes=episodes,
        not_run=not_run,
        visits=crowd.visits,
        samples=observer.samples,
        links_created=len(author.created),
        links_refused=author.refused,
        verdict=verdict,
    )


async def _plan_visits(options: Options, stack: Stack, faults: Faults) -> Plan:
    """Make the links, and empty the cache that has them from the beginning."""
    longest_s = options.duration_s + LATE_S + HEALED_WITHIN_S
    rare = round(options.per_second * options.duration_s * UNCACHED_SHARE)
    codes = await create_links(stack, POPULAR_LINKS + rare)
    await faults.flush_redis()
    return Plan(
        seed=options.seed,
        port=stack.public_port,
        host=f"localhost:{stack.public_port}",
        per_second=options.per_second,
        lasts_s=longest_s,
        popular=codes[:POPULAR_LINKS],
        rare=codes[POPULAR_LINKS:],
        log=str(stack.home.path / "visits.csv"),
    )


async def _carry_out(
    rounds: Sequence[Round],
    faults: Faults,
    episodes: list[Episode],
    options: Options,
    terminal: RunTerminal,
) -> list[str]:
    """Carry the rounds out, each when the one before is well; return what was left out."""
    started = time.monotonic()

    async def hit(fault: Fault, after_s: float) -> None:
        await asyncio.sleep(after_s)
        terminal.say(str(fault))
        episode = await faults.carry_out(fault)
        episodes.append(episode)
        if episode.problem:
            terminal.say(f"{fault} went wrong: {episode.problem}")

    for number, hits in enumerate(rounds):
        wait_s = started + hits[0].starts_s - time.monotonic()
        if wait_s < -LATE_S:
            return [f"{fault}: no time left" for later in rounds[number:] for fault in later]
        await asyncio.sleep(max(0, wait_s))
        async with asyncio.TaskGroup() as tasks:
            for fault in hits:
                tasks.create_task(hit(fault, fault.starts_s - hits[0].starts_s))
    await asyncio.sleep(max(0, started + options.duration_s - time.monotonic()))
    return []


async def _tell(terminal: RunTerminal, crowd: Crowd, observer: Observer) -> None:
    """Say every second how it stands."""
    while True:
        await asyncio.sleep(1)
        crowd.read()
        failed = sum(visit.status not in (302, 404) for visit in crowd.visits)
        queued = observer.samples[-1].queued if observer.samples else None
        terminal.progress(
            f"{len(crowd.visits)} visits, {failed} without a redirect,"
            f" {'?' if queued is None else queued} messages queued"
        )


@asynccontextmanager
async def _alongside(*endless: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run tasks while the block runs."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in endless]
        yield
        for task in tasks:
            task.cancel()
