"""Each part is hurt under steady traffic; what visitors saw is compared with what is stored.

A test leaves the stack whole, whatever it did to it.
"""

import asyncio
import uuid

import httpx2
import pytest

from local_stack.stack import Stack
from tests.resilience.chaos.fault import Action, Fault
from tests.resilience.chaos.faults import Faults
from tests.resilience.chaos.spool_disk import SpoolDisk
from tests.support.database import fetch
from tests.support.service_metrics import figure
from tests.support.traffic import unnoticed

LINGERS_S = 2.0
"""No click waits so long in a spool whose publisher is not blocked."""


@pytest.mark.parametrize("name", ["redirector-1", "redirector-2"])
async def test_a_killed_redirector_is_not_noticed(
    whole_stack: Stack, visitor: httpx2.AsyncClient, codes: list[str], name: str
) -> None:
    """With either replica killed there is no failed redirect, and it comes back by itself."""
    async with unnoticed(whole_stack.urls.database_url, visitor, codes):
        for _ in range(2):
            await asyncio.sleep(0.5)
            before = whole_stack.pid(name)
            await asyncio.to_thread(whole_stack.kill, name)
            await asyncio.to_thread(whole_stack.wait_ready, name, 30)
            assert whole_stack.pid(name) != before


async def test_a_frozen_redirector_costs_one_timeout(
    whole_stack: Stack, visitor: httpx2.AsyncClient, codes: list[str]
) -> None:
    """With a replica frozen, requests it holds are asked again on the other one."""
    async with unnoticed(whole_stack.urls.database_url, visitor, codes):
        await asyncio.sleep(0.5)
        await asyncio.to_thread(whole_stack.freeze, "redirector-1")
        await asyncio.sleep(4)
        await asyncio.to_thread(whole_stack.thaw, "redirector-1")
        await asyncio.sleep(1)


async def test_redirectors_restarted_one_after_the_other(
    whole_stack: Stack, visitor: httpx2.AsyncClient, codes: list[str]
) -> None:
    """A rolling restart fails nobody and loses nothing."""
    async with unnoticed(whole_stack.urls.database_url, visitor, codes):
        for name in ("redirector-1", "redirector-2"):
            await asyncio.sleep(0.5)
            await asyncio.to_thread(whole_stack.restart_program, name)
            await asyncio.to_thread(whole_stack.wait_ready, name, 30)


async def test_a_broker_that_is_away_for_long_loses_nothing(
    whole_stack: Stack, visitor: httpx2.AsyncClient, codes: list[str]
) -> None:
    """RabbitMQ stopped for long: redirects go on, and afterwards every click is counted."""
    async with unnoticed(whole_stack.urls.database_url, visitor, codes):
        await asyncio.to_thread(whole_stack.stop_program, "rabbitmq")
        await asyncio.sleep(8)  # after three, attempts are as far apart as they get
        await asyncio.to_thread(whole_stack.start_program, "rabbitmq")
        await asyncio.to_thread(whole_stack.wait_ready, "rabbitmq", 60)


async def test_a_killed_broker_loses_nothing(
    whole_stack: Stack, visitor: httpx2.AsyncClient, codes: list[str]
) -> None:
    """RabbitMQ killed in the middle of confirming: each click is there once."""
    async with unnoticed(whole_stack.urls.database_url, visitor, codes):
        await asyncio.sleep(1)
        await asyncio.to_thread(whole_stack.kill, "rabbitmq")
        await asyncio.to_thread(whole_stack.wait_ready, "rabbitmq", 60)


@pytest.mark.parametrize("alarm", [Action.MEMORY_ALARM, Action.DISK_ALARM])
async def test_a_broker_that_blocks_its_publishers_loses_nothing(
    whole_stack: Stack, visitor: httpx2.AsyncClient, codes: list[str], alarm: Action
) -> None:
    """RabbitMQ short of memory or disk: redirects go on, spools wait, and are sent afterwards."""
    faults = Faults(whole_stack, SpoolDisk(whole_stack.home.path / "spool"))
    async with unnoticed(whole_stack.urls.database_url, visitor, codes):
        await asyncio.sleep(0.5)
        fault = Fault("rabbitmq", alarm, starts_s=0, lasts_s=6)
        hurting = asyncio.create_task(faults.carry_out(fault))
        waited_s = 0.0
        while not hurting.done():
            for name in ("redirector-1", "redirector-2"):
                age_s = await figure(whole_stack, name, "qck_spool_oldest_age_seconds")
                waited_s = max(waited_s, age_s or 0)
            await asyncio.sleep(0.1)
    assert (await hurting).problem == ""
    assert waited_s > LINGERS_S, "no publisher was blocked"


async def test_a_killed_ingest_worker_stores_each_click_once(
    whole_stack: Stack, visitor: httpx2.AsyncClient, codes: list[str]
) -> None:
    """The worker killed in the middle of batches: each click is there once, rollups agree."""
    async with unnoticed(whole_stack.urls.database_url, visitor, codes):
        for _ in range(3):
            await asyncio.sleep(0.7)
            await asyncio.to_thread(whole_stack.kill, "click-ingest")
            await asyncio.to_thread(whole_stack.wait_ready, "click-ingest", 60)
    (row,) = await fetch(
        whole_stack.urls.database_url,
        "SELECT (SELECT count(*) FROM clicks) AS stored,"
        " (SELECT sum(clicks) FROM click_counts_hourly) AS hourly,"
        " (SELECT sum(clicks) FROM click_counts_total) AS total",
    )
    assert row["stored"] == row["hourly"] == row["total"]


@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "restarted"])
async def test_a_postgres_that_comes_back_has_every_click(
    whole_stack: Stack, visitor: httpx2.AsyncClient, codes: list[str], is_killed: bool
) -> None:
    """PostgreSQL dies within batches: cached links redirect, each click is there once."""
    async with unnoticed(whole_stack.urls.database_url, visitor, codes):
        await asyncio.sleep(0.7)
        hurt = whole_stack.kill if is_killed else whole_stack.restart_program
        await asyncio.to_thread(hurt, "postgres")
        await asyncio.to_thread(whole_stack.wait_ready, "postgres", 60)
        await asyncio.sleep(0.5)


async def test_without_postgres_known_links_go_on(
    whole_stack: Stack,
    api: httpx2.AsyncClient,
    visitor: httpx2.AsyncClient,
    codes: list[str],
) -> None:
    """PostgreSQL stopped: cached links redirect, others and the API say 503; later all is well."""
    async with unnoticed(whole_stack.urls.database_url, visitor, codes):
        await asyncio.sleep(0.5)
        await asyncio.to_thread(whole_stack.stop_program, "postgres")
        unknown = await visitor.get(f"/{uuid.uuid4().hex[:10]}")
        assert (unknown.status_code, unknown.headers["retry-after"]) == (503, "1")
        created = await api.post("/short-urls", json={"longUrl": "https://example.org/"})
        assert created.status_code == 503
        assert created.headers["content-type"] == "application/problem+json"
        assert created.headers["retry-after"] == "1"
        await asyncio.sleep(2)
        await asyncio.to_thread(whole_stack.start_program, "postgres")
        await asyncio.to_thread(whole_stack.wait_ready, "postgres", 60)
    async with asyncio.timeout(10):
        while True:
            again = await api.post("/short-urls", json={"longUrl": "https://example.org/"})
            if again.status_code == 200:
                break
            await asyncio.sleep(0.1)
    code = again.json()["shortCode"]
    async with asyncio.timeout(5):
        while (await visitor.get(f"/{code}")).status_code != 302:
            await asyncio.sleep(0.1)
