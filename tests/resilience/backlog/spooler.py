"""A redirector that recorded clicks for hours and died: what it leaves is a spool folder.

`python -m tests.resilience.backlog.spooler PLAN.json` takes requests as nginx words them through
the redirector's own code, in batches as under load, and kills itself after the last one.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from random import Random

import msgspec
from prometheus_client import CollectorRegistry

from redirector.click import ClickMaker
from redirector.click_recorder import ClickRecorder
from redirector.request import HEAD_OF_NGINX, Request
from redirector.spool import ClickSpool
from redirector.spool_folder import SpoolFolder
from redirector.untracked import Untracked
from shared.background import background_tasks
from shared.metrics import RedirectorMetrics
from shared.settings import Secret

TURN = 50
"""Requests of one turn of a busy event loop, which are one write."""

SEGMENT_BYTES = 8 * 1024 * 1024
FSYNC_EACH_S = 0.1
VISITORS = 5000
LONG_URL = "https://shop.example/spring/catalogue?utm_source=newsletter&utm_campaign=%d"

_AGENTS = (
    b"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
    b" Chrome/138.0.0.0 Mobile Safari/537.36",
    b"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    b" Version/18.5 Safari/605.1.15",
    b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
)


class SpoolPlan(msgspec.Struct, frozen=True):
    """What one process is to record."""

    root: str
    """The redirectors' spool folder."""
    clicks: int
    first_ms: int
    last_ms: int
    """Unix time; the clicks are spread evenly."""
    seed: int
    domain: str
    request_prefix: str
    """Eight hexadecimal digits with which the request ids begin, to know the clicks by."""
    links: list[tuple[int, str]]
    """Ids and short codes, the most popular first."""


def requests_of(plan: SpoolPlan) -> Iterator[tuple[Request, int, str]]:
    """Yield each request, with the id and the short code of its link."""
    # Not for secrets: the same seed makes the same visitors.
    dice = Random(plan.seed)  # noqa: S311
    visitors = [
        b"X-Real-IP: %d.%d.%d.%d\r\nUser-Agent: %s\r\nReferer: https://news.example/p/%d\r\n"
        b"Accept-Language: en-GB,en;q=0.8\r\n"
        % (
            dice.randint(20, 99), dice.randrange(256), dice.randrange(256), dice.randrange(256),
            dice.choice(_AGENTS), dice.randrange(10_000),
        )
        for _ in range(VISITORS)
    ]  # fmt: skip
    weights = list(accumulate(1 / rank for rank in range(1, len(plan.links) + 1)))
    width_ms = plan.last_ms - plan.first_ms
    for first in range(0, plan.clicks, TURN):
        chosen = dice.choices(plan.links, cum_weights=weights, k=min(TURN, plan.clicks - first))
        for number, (link_id, code) in enumerate(chosen, first):
            started_ms = plan.first_ms + width_ms * number // plan.clicks
            head = (
                f"GET /{code} HTTP/1.1\r\nHost: {plan.domain}\r\n"
                f"X-Request-Id: {plan.request_prefix}{dice.getrandbits(96):024x}\r\n"
                f"X-Request-Start: {started_ms // 1000}.{started_ms % 1000:03d}\r\n"
            )
            match = HEAD_OF_NGINX.fullmatch(head.encode() + dice.choice(visitors) + b"\r\n")
            assert match is not None
            yield Request.from_head(match), link_id, code


async def record_all(plan: SpoolPlan) -> None:
    """Append every click to a spool of this process's own."""
    spool = ClickSpool(
        SpoolFolder.plan(Path(plan.root)),
        segment_bytes=SEGMENT_BYTES,
        max_bytes=1 << 40,
        metrics=RedirectorMetrics(CollectorRegistry()),
    )
    maker = ClickMaker(
        default_domain=plan.domain,
        scheme="http",
        visitor_hash_key=Secret("0" * 32),
        anonymize_ip=True,
    )
    recorder = ClickRecorder(maker, spool, track_orphans=True, untracked=Untracked("nostat", []))
    async with background_tasks() as tasks:
        tasks.create_task(spool.sync_every(FSYNC_EACH_S))
        lines: list[bytes] = []
        for request, link_id, code in requests_of(plan):
            recorder.add_click(lines, request, code, link_id, LONG_URL % link_id)
            if len(lines) == TURN:
                recorder.write(lines)
                lines.clear()
                await asyncio.sleep(0)
        recorder.write(lines)
    assert spool.next_sequence == plan.clicks


if __name__ == "__main__":
    asyncio.run(record_all(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=SpoolPlan)))
    # Without closing anything: the folder stays as it is, and its lock is the kernel's to free.
    os.kill(os.getpid(), signal.SIGKILL)
