"""The visitors and callers of a load run, for locust; `python -m tests.load` starts it.

Popularity by Zipf's law, some bots, some unknown codes, and links made through the API, which are
visited at once. Redirects are never followed: where they lead is nobody's to be loaded.
"""

import os
import time
from collections import Counter, deque
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from locust import FastHttpUser, LoadTestShape, events, task
from locust.contrib.fasthttp import ResponseContextManager

from tests.bench.percentiles import Distribution
from tests.load.plan import (
    BOT_SHARE,
    CREATE_SHARE,
    NEW_LINK_SHARE,
    PLAN_VARIABLE,
    UNKNOWN_SHARE,
    ClientSide,
    Second,
    read_plan,
)
from tests.load.profiles import PROFILES
from tests.support.zipf import draw_rank

MAX_USERS = 200
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BOT = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"
REDIRECT, UNKNOWN, CREATE = "redirect", "unknown code", "create"

plan = read_plan(Path(os.environ[PLAN_VARIABLE]))
profile = PROFILES[plan.profile]
per_user = max(1.0, profile.peak / MAX_USERS)
random = Random(1)  # noqa: S311 - a repeatable choice, no secret
newest: deque[str] = deque(maxlen=20)


class Answers:
    """All that came back."""

    def __init__(self) -> None:
        self.times = {name: Distribution() for name in (REDIRECT, UNKNOWN, CREATE)}
        self.seconds: dict[int, tuple[Counter[str], Distribution]] = {}
        self.counts: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.started = time.time()

    def note(self, name: str, response_time: float, exception: object, **_: Any) -> None:
        """Take down one answer; locust calls this."""
        at = int(time.time() - self.started)
        counts, times = self.seconds.setdefault(at, (Counter(), Distribution()))
        counts["requests"] += 1
        self.counts["requests"] += 1
        if exception is not None:
            counts["failures"] += 1
            self.counts["failed"] += 1
            self.failures[f"{name}: {exception}"[:200]] += 1
            return
        self.times[name].add(response_time)
        if name == REDIRECT:
            self.counts["redirects"] += 1
            times.add(response_time)

    def client_side(self) -> ClientSide:
        """Make the figures."""
        return ClientSide(
            requests=self.counts["requests"],
            failed=self.counts["failed"],
            redirects=self.counts["redirects"],
            redirect_ms=_percentiles(self.times[REDIRECT]),
            create_ms=_percentiles(self.times[CREATE]),
            failures=dict(self.failures.most_common(20)),
            seconds=[
                Second(
                    at, counts["requests"], counts["failures"],
                    times.percentile(0.5), times.percentile(0.95),
                )
                for at, (counts, times) in sorted(self.seconds.items())
            ],
        )  # fmt: skip


def _percentiles(times: Distribution) -> dict[str, float]:
    if not times.count:
        return {}
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: times.percentile(share) for name, share in shares.items()}


answers = Answers()
events.request.add_listener(answers.note)  # type: ignore[no-untyped-call]


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def _write_results(**_: Any) -> None:
    Path(plan.results).write_bytes(msgspec.json.encode(answers.client_side()))


def _shortcoming(answer: ResponseContextManager) -> str:
    return f"answered {answer.status_code}" if answer.status_code else "not answered"


class Shape(LoadTestShape):
    """As many users as the profile wants requests, and the end."""

    def tick(self) -> tuple[int, float] | None:
        """Return users and how many to start a second; None ends the run."""
        passed = self.get_run_time() / plan.duration_s  # type: ignore[no-untyped-call]
        if passed >= 1:
            return None
        return max(1, round(profile.rate(passed) / per_user)), MAX_USERS


class Visitor(FastHttpUser):
    """One of many who visit links, and now and then make one."""

    host = plan.public_url
    connection_timeout = 5.0
    network_timeout = 5.0

    def on_start(self) -> None:
        """Begin at a moment of one's own."""
        self.due = time.time() - random.random() / per_user
        time.sleep(self.wait_time())  # gevent's, by locust's doing

    def wait_time(self) -> float:
        """Return how long to wait: the right rate on average, at moments that are nobody else's.

        locust's own constant throughput has all users ask in the same twentieth of a second.
        """
        self.due += random.uniform(0.5, 1.5) / per_user
        return max(0.0, self.due - time.time())

    @task
    def go(self) -> None:
        """Do one thing."""
        choice = random.random()
        if choice < CREATE_SHARE:
            self._create()
        elif choice < CREATE_SHARE + UNKNOWN_SHARE:
            self._visit(f"none-{random.getrandbits(48):012x}", 404, UNKNOWN)
        elif newest and random.random() < NEW_LINK_SHARE:
            self._visit(random.choice(newest), 302, REDIRECT)
        else:
            self._visit(plan.codes[draw_rank(random, len(plan.codes)) - 1], 302, REDIRECT)

    def _visit(self, code: str, expected: int, name: str) -> None:
        agent = BOT if random.random() < BOT_SHARE else BROWSER
        with self.client.get(
            f"/{code}",
            name=name,
            headers={"Host": plan.domain, "User-Agent": agent, "Accept-Language": "en"},
            allow_redirects=False,
            catch_response=True,
        ) as answer:
            if answer.status_code == expected:
                answer.success()
            else:
                answer.failure(_shortcoming(answer))

    def _create(self) -> None:
        with self.client.post(
            f"{plan.api_url}/rest/v3/short-urls",
            name=CREATE,
            headers={"X-Api-Key": plan.api_key},
            json={"longUrl": f"http://127.0.0.1:9/{random.getrandbits(48)}", "tags": [plan.tag]},
            catch_response=True,
        ) as answer:
            if answer.status_code == 200:
                newest.append(answer.json()["shortCode"])
                answer.success()
            else:
                answer.failure(_shortcoming(answer))
