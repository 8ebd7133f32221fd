"""More than the machine can serve, and spools that may not grow: what gives way, and what not."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from local_stack.stack import Stack
from tests.support.database import fetch, wait_until_stored
from tests.support.kept_connections import kept_connections
from tests.support.link_author import api_client, create_links
from tests.support.stack import started_stack

REDIRECTORS = ("redirector-1", "redirector-2")
AT_ONCE = 400
WAVES = 10
DEADLINE_S = 60

# All clicks of the crowd fit, however late they are published; BULKY_VISITS do not.
SPOOL_MAX_BYTES = 2 * 1024 * 1024
BULKY_VISITS = 1500
BULKY_HEADERS = f"User-Agent: {'u' * 512}\r\nReferer: https://example.org/{'r' * 1000}\r\n"
BULKY_QUERY = f"?q={'v' * 1900}"


@pytest.fixture(scope="module")
def small_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack in which few visitors may wait, and few clicks may lie in a spool."""
    folder = tmp_path_factory.mktemp("small")
    limits = {"MAX_WAITING_VISITORS": "4", "SPOOL_MAX_BYTES": str(SPOOL_MAX_BYTES)}
    with started_stack(folder, environment=limits) as stack:
        yield stack


async def _count(stack: Stack, name: str) -> int:
    """Sum a counter of both redirectors."""
    total = 0.0
    async with httpx2.AsyncClient() as client:
        for program in REDIRECTORS:
            text = (await client.get(f"http://127.0.0.1:{stack.port(program)}/metrics")).text
            for family in text_string_to_metric_families(text):
                total += sum(each.value for each in family.samples if each.name == name)
    return round(total)


async def test_whoever_is_too_many_is_told_at_once(small_stack: Stack) -> None:
    """A crowd gets redirects or 503 with Retry-After, the API its answers, each click a row."""
    code, *_ = await create_links(small_stack, 1)
    redirected: set[str] = set()
    turned_away: list[str] = []
    async with (
        asyncio.timeout(DEADLINE_S),
        kept_connections(AT_ONCE, small_stack.public_port) as crowd,
        api_client(small_stack) as api,
    ):
        for _ in range(WAVES):
            # What comes while the redirectors stand still is all there when they go on.
            for name in REDIRECTORS:
                await asyncio.to_thread(small_stack.freeze, name)
            for visitor in crowd:
                visitor.ask(code)
            creating = asyncio.create_task(
                api.post("/short-urls", json={"longUrl": "https://example.org/"})
            )
            for name in REDIRECTORS:
                await asyncio.to_thread(small_stack.thaw, name)
            for status, headers in await asyncio.gather(*(each.answer() for each in crowd)):
                if status == 302:
                    redirected.add(headers["x-request-id"])
                else:
                    assert status == 503
                    turned_away.append(headers["retry-after"])
            assert (await creating).status_code == 200
    assert redirected
    assert set(turned_away) == {"1"}
    assert len(redirected) + len(turned_away) == WAVES * AT_ONCE
    stored = await wait_until_stored(small_stack.urls.database_url, redirected)
    assert sorted(stored) == sorted(redirected)
    (row,) = await fetch(
        small_stack.urls.database_url, "SELECT count(*) FROM clicks WHERE short_code = $1", code
    )
    assert row["count"] == len(redirected)


async def test_a_full_spool_sheds_clicks_and_counts_each(small_stack: Stack) -> None:
    """Without room for clicks visitors are redirected, and exactly those counted are missing."""
    code, *_ = await create_links(small_stack, 1)
    shed_before = await _count(small_stack, "qck_clicks_shed_total")
    await asyncio.to_thread(small_stack.stop_program, "rabbitmq")
    redirected = set()
    async with kept_connections(1, small_stack.public_port) as (visitor,):
        for _ in range(BULKY_VISITS):
            visitor.ask(f"{code}{BULKY_QUERY}", BULKY_HEADERS)
            status, headers = await visitor.answer()
            assert status == 302
            redirected.add(headers["x-request-id"])
    shed = await _count(small_stack, "qck_clicks_shed_total") - shed_before
    assert 0 < shed < len(redirected)
    await asyncio.to_thread(small_stack.start_program, "rabbitmq")
    await asyncio.to_thread(small_stack.wait_ready, "rabbitmq", 60)
    stored: list[Any] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(stored) < len(redirected) - shed:
            await asyncio.sleep(0.2)
            stored = await fetch(
                small_stack.urls.database_url,
                "SELECT request_id FROM clicks WHERE short_code = $1",
                code,
            )
    assert {row["request_id"] for row in stored} <= redirected
    assert len(stored) == len(redirected) - shed
