"""The visitors: steady traffic from a process of its own, so that nothing else makes it late.

`python -m tests.support.visitors PLAN.json` runs until SIGTERM, then waits for the
answers that are still to come.
"""

import asyncio
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import msgspec
import uvloop

from tests.support.http_load import HttpLoad, send_on_time
from tests.support.visit import VisitLog

UNCACHED_SHARE = 0.005
UNKNOWN_SHARE = 0.005
UNKNOWN_CODES = 200
FLUSH_S = 0.5
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Plan(msgspec.Struct, frozen=True):
    """What the visitors are told."""

    seed: int
    port: int
    host: str
    """The Host header: the default domain."""
    per_second: float
    lasts_s: float
    """They stop by themselves after this, should nobody stop them."""
    popular: list[str]
    """Codes that are visited all the time, the most popular first."""
    rare: list[str]
    """Codes that are visited once each, so they are not cached."""
    log: str


def choose_codes(plan: Plan) -> Iterator[str]:
    """Yield each popular code once, then popular ones by Zipf, now and then another kind."""
    # Not for secrets: the same seed makes the same visitors.
    dice = random.Random(plan.seed)  # noqa: S311
    yield from plan.popular
    rare = iter(plan.rare)
    total, cumulated = 0.0, []
    for rank in range(1, len(plan.popular) + 1):
        total += 1 / rank
        cumulated.append(total)
    while True:
        drawn = dice.random()
        code = dice.choices(plan.popular, cum_weights=cumulated)[0]
        if drawn < UNCACHED_SHARE:
            code = next(rare, code)
        elif drawn < UNCACHED_SHARE + UNKNOWN_SHARE:
            code = f"unknown-{dice.randrange(UNKNOWN_CODES)}"
        yield code


async def visit_all(plan: Plan, file: TextIO) -> None:
    """Visit until SIGTERM or the plan's end, and record every visit."""
    is_over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, is_over.set)
    loop.call_later(plan.lasts_s, is_over.set)
    load = HttpLoad("127.0.0.1", plan.port, headers=(("Host", plan.host), ("User-Agent", BROWSER)))
    log = VisitLog(file)

    def flush() -> None:
        log.flush()
        loop.call_later(FLUSH_S, flush)

    flush()
    await send_on_time(
        load,
        (f"/{code}" for code in choose_codes(plan)),
        per_second=plan.per_second,
        is_over=is_over,
        on_answer=log.add,
    )
    load.close()


def main(plan_file: str) -> None:
    """Run the plan in `plan_file`."""
    plan = msgspec.json.decode(Path(plan_file).read_bytes(), type=Plan)
    with (
        Path(plan.log).open("w", newline="", encoding="utf-8") as file,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(visit_all(plan, file))


if __name__ == "__main__":
    main(sys.argv[1])
