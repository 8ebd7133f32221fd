"""One run: a calm stretch, the outage and its backlog, the drain under traffic, the comparison."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from local_stack.stack import Stack
from tests.resilience.backlog.compare import compare
from tests.resilience.backlog.dead_redirectors import write_backlog
from tests.resilience.backlog.drain import drain_backlog, published_at
from tests.resilience.backlog.record import SETTLED_WITHIN_S, Options, Run, Stretch
from tests.resilience.backlog.watch import Watch
from tests.support.crowd import visiting
from tests.support.link_author import create_links
from tests.support.observe import REDIRECTORS, Observer
from tests.support.run_terminal import RunTerminal
from tests.support.stack import a_stack
from tests.support.stored import wait_until_drained
from tests.support.visitors import Plan

LINKS = 200
WARM_WITHIN_S = 30.0
READY_WITHIN_S = 120.0

LONGEST_BESIDE_DRAIN_S = 900.0


@contextmanager
def backlog_stack() -> Iterator[Stack]:
    """Start a stack in a temporary folder, and leave nothing of it."""
    with TemporaryDirectory(prefix="qck-backlog-", ignore_cleanup_errors=True) as folder:
        stack = a_stack(Path(folder))
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()


async def run_backlog(options: Options, stack: Stack, terminal: RunTerminal) -> Run:
    """Do one run on a started stack."""
    codes = await create_links(stack, LINKS)
    plan = _plan_visits(options, stack, codes)
    problems: list[str] = []
    async with Observer(stack) as observer:
        async with visiting(plan, stack.home.path) as crowd, watching(stack, observer) as watch:
            warm = 2 * len(codes)
            await crowd.wait_for(warm, WARM_WITHIN_S + warm / options.per_second)
            terminal.begin(2 * options.clicks)
            terminal.say(f"calm for {options.calm_s:.0f} s")
            calm = await _let_pass(options.calm_s)
            terminal.say("stopping RabbitMQ")
            await asyncio.to_thread(stack.stop_program, "rabbitmq")
            terminal.say("RabbitMQ is away; filling spools")
            await write_backlog(
                stack,
                options.clicks,
                lambda written: terminal.progress(f"{written:,} clicks in spools", written),
            )
            terminal.say("all clicks are in spools; redirects without RabbitMQ for a while")
            away = await _let_pass(options.calm_s)
            await asyncio.to_thread(stack.start_program, "rabbitmq")
            await asyncio.to_thread(stack.wait_ready, "rabbitmq", READY_WITHIN_S)
            terminal.say("RabbitMQ is back")
            drain, problem = await drain_backlog(options, crowd, watch, terminal)
            problems += [problem] if problem else []
            if not crowd.is_there():
                problems.append("the visitors went away before the end")
        terminal.say("waiting for the last clicks to be stored")
        left = await wait_until_drained(
            observer,
            stack.home.path / "spool",
            spools=len(REDIRECTORS),
            within_s=SETTLED_WITHIN_S,
        )
    terminal.say("comparing")
    outcome = await compare(
        stack.urls.database_url,
        backlog=options.clicks,
        visits=crowd.visits,
        links=codes,
        shed=observer.shed.total,
        problems=[*problems, *([left] if left else [])],
    )

    def stretch(times: tuple[float, float]) -> Stretch:
        visits = [visit for visit in crowd.visits if times[0] <= visit.due_at < times[1]]
        return Stretch(*times, watch.between(*times), visits)

    return Run(
        options=options,
        calm=stretch(calm),
        away=stretch(away),
        drain=stretch(drain),
        published_at=published_at(watch.between(*drain)),
        outcome=outcome,
    )


def _plan_visits(options: Options, stack: Stack, codes: list[str]) -> Plan:
    return Plan(
        seed=1,
        port=stack.public_port,
        host=f"localhost:{stack.public_port}",
        per_second=options.per_second,
        lasts_s=LONGEST_BESIDE_DRAIN_S + options.drained_within_s,
        popular=codes,
        rare=[],
        log=str(stack.home.path / "visits.csv"),
    )


@asynccontextmanager
async def watching(stack: Stack, observer: Observer) -> AsyncIterator[Watch]:
    """Watch while the block runs."""
    watch = Watch(stack, observer)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watch.keep())
        yield watch
        task.cancel()


async def _let_pass(seconds: float) -> tuple[float, float]:
    began_at = time.time()
    await asyncio.sleep(seconds)
    return began_at, time.time()
