"""`/robots.txt`: what it says, and what it costs."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from redirector import robots
from redirector.asgi_redirect import AsgiRedirect
from redirector.robots import Robots
from shared.background import background_tasks
from tests.support.asgi import Answer, call
from tests.support.clock import FakeClock
from tests.support.redirect_world import World


class Links:
    """Crawlable links, and how often they were asked for."""

    def __init__(self, **codes: Sequence[str]) -> None:
        self.codes: Mapping[str, Sequence[str]] = {
            domain.replace("default", "").replace("_", "."): given
            for domain, given in codes.items()
        }
        self.statements: list[list[str]] = []
        self.is_away = False
        self.is_frozen = False
        self.asked = 0

    async def find(self, domains: Sequence[str], limit: int) -> Mapping[str, Sequence[str]]:
        """Return what there is."""
        self.asked += 1
        await asyncio.sleep(3600 if self.is_frozen else 0)
        if self.is_away:
            raise OSError("away")
        self.statements.append(sorted(domains))
        return {domain: self.codes.get(domain, ())[:limit] for domain in domains}


@asynccontextmanager
async def a_door(
    links: Links, clock: FakeClock | None = None, **settings: Any
) -> AsyncIterator[AsgiRedirect]:
    """Open a redirector with these crawlable links."""
    world = World({})
    async with background_tasks() as tasks:
        served = Robots(
            links,
            default_domain="go.test",
            tasks=tasks,
            clock=clock or FakeClock(1000.0),
            **{"user_agents": ["*"], "allows_all": False, "timeout_s": 5, **settings},
        )
        world.own_paths["/robots.txt"] = served.take
        async with world.door() as door:
            yield door


async def ask(door: AsgiRedirect, host: str = "go.test") -> Answer:
    """Ask as a crawler does."""
    return await call(door, "/robots.txt", headers={"host": host})


async def test_crawlable_links_are_allowed() -> None:
    """Those of the domain and of the default one, which answers there too; the rest is not."""
    links = Links(default=["abc", "\U0001f600"], d_test=["xyz", "abc"])
    async with a_door(links) as door:
        answer = await ask(door)
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.body.decode() == (
            "User-agent: *\nAllow: /abc\nAllow: /%F0%9F%98%80\nDisallow: /\n"
        )
        other = (await ask(door, "D.test")).body.decode()
        assert other == (
            "User-agent: *\nAllow: /abc\nAllow: /xyz\nAllow: /%F0%9F%98%80\nDisallow: /\n"
        )


async def test_all_may_be_allowed_to_some() -> None:
    """Both are settings; nothing is looked up then."""
    links = Links(default=["abc"])
    async with a_door(links, user_agents=["one", "two"], allows_all=True) as door:
        body = (await ask(door)).body.decode()
    assert body == "User-agent: one\nUser-agent: two\nDisallow: /rest/\n"
    assert links.statements == []


async def test_it_is_read_once_in_half_a_minute() -> None:
    """However many ask, and however often."""
    links, clock = Links(default=["abc"]), FakeClock(1000.0)
    async with a_door(links, clock) as door:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(50):
                tasks.create_task(ask(door))
        await ask(door)
        assert len(links.statements) == 1
        clock.advance(robots.KEPT_S + 1)
        await ask(door)
        assert len(links.statements) == 2


async def test_many_hosts_cost_few_statements_and_little_memory() -> None:
    """Whoever makes hosts up is answered by some statements, or turned away."""
    links = Links(default=["abc"])
    async with a_door(links) as door, asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(ask(door, f"h{n}.test")) for n in range(300)]
    statuses = [task.result().status for task in asked]
    assert statuses.count(200) == robots.MAX_WAITING
    assert statuses.count(503) == 300 - robots.MAX_WAITING
    assert len(links.statements) == robots.MAX_WAITING / robots.DOMAINS_AT_ONCE
    assert sum("" in domains for domains in links.statements) == 1


async def test_without_the_database_what_was_known_is_told() -> None:
    """Whoever asks for something else is told to come again."""
    links, clock = Links(default=["abc"]), FakeClock(1000.0)
    async with a_door(links, clock) as door:
        known = await ask(door)
        links.is_away = True
        clock.advance(robots.KEPT_S + 1)
        assert (await ask(door)).body == known.body
        answer = await ask(door, "d.test")
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")


async def test_domains_with_links_are_kept_within_bounds() -> None:
    """The ones asked for last; others are read again."""
    count = robots.KEPT_DOMAINS + 1
    links = Links(**{f"d{n}_test": [f"c{n}"] for n in range(count)})
    async with a_door(links) as door:
        for n in [*range(count), count - 1, 1, 0]:
            assert f"Allow: /c{n}\n" in (await ask(door, f"d{n}.test")).body.decode()
    assert len(links.statements) == count + 1
    assert links.statements[-1] == ["d0.test"]


async def test_a_frozen_database_keeps_nobody_waiting() -> None:
    """Whoever asks is answered in time, and what is asked for meanwhile does not pile up."""
    links = Links(default=["abc"])
    links.is_frozen = True
    async with a_door(links, timeout_s=0.05) as door:
        for _ in range(2):
            async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
                asked = [
                    tasks.create_task(ask(door, f"h{n}.test")) for n in range(robots.MAX_WAITING)
                ]
            assert {task.result().status for task in asked} == {503}
        assert links.asked <= 2 * robots.MAX_WAITING / robots.DOMAINS_AT_ONCE
        links.is_frozen = False
        async with asyncio.timeout(5):
            # The last of those that were asked for.
            while (await ask(door, f"h{robots.MAX_WAITING - 1}.test")).status != 200:
                await asyncio.sleep(0.01)


async def test_it_ends_where_search_engines_stop_reading() -> None:
    """What is forbidden stands within it, however many links are crawlable."""
    links = Links(default=[f"{n:05}" + "\u00e9" * 100 for n in range(robots.MAX_CODES)])
    async with a_door(links) as door:
        body = (await ask(door)).body
    assert len(body) < 500 * 1024
    assert body.endswith(b"\nDisallow: /\n")
    assert body.count(b"Allow: /") > 500


async def test_head_is_answered_like_get() -> None:
    """Without waiting for anything else."""
    async with a_door(Links(default=["abc"])) as door:
        assert (await call(door, "/robots.txt", method="HEAD")).status == 200
