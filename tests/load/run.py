"""One load run: links made, locust at work, both sides watched, clicks counted, all judged."""

import asyncio
import os
import secrets
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import msgspec

from shortener.count_folding import MAX_REST_S
from tests.load.plan import PLAN_VARIABLE, ClientSide, Plan
from tests.load.profiles import PROFILES
from tests.load.report import write_report
from tests.load.service_side import ServiceSide
from tests.load.target import Target, TargetError
from tests.load.verdict import Goal, Measured, judge
from tests.support.run_terminal import RunTerminal

ROOT = Path(__file__).parents[2]
COUNTED_WITHIN_S = MAX_REST_S + 30.0
"""Of the last one that came: on a slow machine they are late, and not lost while more come. After
a step that took long, the shortener rests for a minute before it adds up the next."""
TOGETHER = 8
ROUND_TRIPS_S = 60.0
"""So long, of a long run, the machine's own round trips are timed beside it."""
LOOK_EACH_S = 0.5
_LOCUST_ENDS_WITHIN_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is asked for."""

    profile: str
    duration_s: float
    links: int = 1000
    report: Path


async def run_load(target: Target, options: Options, terminal: RunTerminal) -> list[Goal]:
    """Do the run and write its report; return the verdict.

    Raises:
        TargetError: the target does not answer, or locust did not get through.
    """
    tag = f"load-{secrets.token_hex(4)}"
    api = httpx2.AsyncClient(
        base_url=f"{target.api_url}/rest/v3", headers={"X-Api-Key": target.api_key}, timeout=10
    )
    with tempfile.TemporaryDirectory() as folder:
        async with api, ServiceSide(target) as services:
            terminal.say(f"making {options.links:,} links, tagged {tag}")
            domain, codes = await _make_links(api, options.links, tag)
            plan = Plan(
                profile=options.profile,
                duration_s=options.duration_s,
                public_url=target.public_url,
                api_url=target.api_url,
                api_key=target.api_key,
                domain=domain,
                codes=codes,
                tag=tag,
                results=f"{folder}/results.json",
            )
            before = await services.counts()
            watching = asyncio.create_task(services.watch())
            trips = asyncio.create_task(_round_trip_ms(min(options.duration_s, ROUND_TRIPS_S)))
            terminal.begin(options.duration_s)
            try:
                client = await _run_locust(plan, Path(folder), terminal)
                round_trip_ms = await trips
            finally:
                watching.cancel()
                trips.cancel()
                terminal.end()
            after = await services.counts()
            counted = await count_clicks(api, tag, client.redirects)
    run = Measured(
        planned=PROFILES[options.profile].planned(options.duration_s),
        client=client,
        services=after.since(before),
        looks=services.looks,
        counted=counted,
        is_soak=options.profile == "soak",
    )
    goals = judge(run)
    page = write_report(plan, client, services.looks, goals, options.report / options.profile)
    if round_trip_ms:
        terminal.say(f"a byte to another process and back took {round_trip_ms} ms meanwhile (p95)")
    terminal.say(f"the report is {page}")
    return goals


async def _make_links(api: httpx2.AsyncClient, count: int, tag: str) -> tuple[str, list[str]]:
    """Make links; return the domain of their short URLs, and their codes."""
    codes: list[str] = []
    domains: set[str] = set()

    async def make_some(numbers: range) -> None:
        for number in numbers:
            body = {"longUrl": f"http://127.0.0.1:9/{number}", "tags": [tag]}
            answer = await api.post("/short-urls", json=body)
            answer.raise_for_status()
            link = answer.json()
            codes.append(link["shortCode"])
            domains.add(urlsplit(link["shortUrl"]).netloc)

    try:
        async with asyncio.TaskGroup() as tasks:
            for first in range(TOGETHER):
                tasks.create_task(make_some(range(first, count, TOGETHER)))
    except* httpx2.HTTPError as errors:
        raise TargetError(f"The API made no links: {errors.exceptions[0]}") from None
    return domains.pop(), codes


async def _run_locust(plan: Plan, folder: Path, terminal: RunTerminal) -> ClientSide:
    file = folder / "plan.json"
    file.touch(mode=0o600)  # it has the key
    file.write_bytes(msgspec.json.encode(plan))
    log = folder / "locust.log"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "locust", "-f", str(ROOT / "tests/load/locustfile.py"),
        "--headless", "--only-summary", "--exit-code-on-error", "0", "--stop-timeout", "5",
        "--logfile", str(log),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), PLAN_VARIABLE: str(file)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    started = time.monotonic()
    try:
        async with asyncio.timeout(plan.duration_s + _LOCUST_ENDS_WITHIN_S):
            while process.returncode is None:
                terminal.progress(f"{plan.profile}, {plan.duration_s:g} s")
                await asyncio.wait([asyncio.ensure_future(process.wait())], timeout=1)
    except TimeoutError:
        raise TargetError(f"locust did not end after {time.monotonic() - started:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    results = Path(plan.results)
    if not results.exists():
        raise TargetError(f"locust broke off:\n{log.read_text()[-2000:]}")
    return msgspec.json.decode(results.read_bytes(), type=ClientSide)


async def _round_trip_ms(for_s: float) -> str:
    """Return what the machine takes for the least that two processes can do together.

    Nothing where that cannot be timed: the run is worth as much without it.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.round_trip", str(for_s),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return printed.decode().strip()


async def count_clicks(api: httpx2.AsyncClient, tag: str, expected: int) -> int | None:
    """Return the visits of the run's tag, which mostly come within a second or two of the clicks.

    None when the API does not tell: all else that was measured is worth as much without it.
    """
    deadline = time.monotonic() + COUNTED_WITHIN_S
    counted: int | None = None
    while time.monotonic() < deadline:
        with suppress(httpx2.HTTPError):
            answer = await api.get("/tags/stats", params={"searchTerm": tag})
            answer.raise_for_status()
            tags = answer.json()["tags"]["data"]
            found = sum(row["visitsSummary"]["total"] for row in tags if row["tag"] == tag)
            if found != counted:
                counted, deadline = found, time.monotonic() + COUNTED_WITHIN_S
            if found >= expected:
                break
        await asyncio.sleep(LOOK_EACH_S)
    return counted
