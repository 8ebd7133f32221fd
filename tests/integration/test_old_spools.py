"""Spools of other releases on their whole way, through a real RabbitMQ into a real PostgreSQL."""

import asyncio
import uuid
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from click_ingest.partitions import statements_for
from redirector.adopted_spools import AdoptedSpools
from redirector.click_publisher import ClickPublisher, drain_within
from redirector.spool import ClickSpool
from redirector.spool_folder import SpoolFolder
from shared import broker
from shared.background import background_tasks
from shared.metrics import RedirectorMetrics
from shared.settings import Secret
from tests.support.database import fetch
from tests.support.golden_spools import DAY, GOLDEN_SPOOLS, GoldenSpool
from tests.support.ingest import (
    DEADLINE_S,
    assert_counts_are_rows,
    ledger,
    queued,
    running_worker,
    until,
    until_stored,
)

COLUMNS = (
    "clicked_at", "short_code", "link_id", "type", "visited_url", "redirect_url",
    "user_agent", "visitor", "request_id", "accept_language",
)  # fmt: skip


async def publish_spools_in(root: Path, amqp_url: str) -> None:
    """Run a publisher, as a redirector does, until it has finished all that others left."""
    metrics = RedirectorMetrics(CollectorRegistry())
    spool = ClickSpool(
        SpoolFolder.plan(root), segment_bytes=10**6, max_bytes=10**7, metrics=metrics
    )
    adopted = AdoptedSpools(root, metrics=metrics)
    publisher = ClickPublisher(
        url=Secret(amqp_url), name="tests", spool=spool, adopted=adopted,
        max_clicks=4, linger_s=0.005, timeout_s=5, metrics=metrics,
    )  # fmt: skip

    async def only_own_is_left() -> bool:
        return len(list(root.iterdir())) == 1

    async with background_tasks() as tasks:
        running = tasks.create_task(publisher.run())
        await until(only_own_is_left)
        await drain_within(publisher, running, DEADLINE_S)
    adopted.release()
    spool.close()


@pytest.mark.parametrize("golden", GOLDEN_SPOOLS, ids=lambda golden: golden.name)
async def test_an_old_spool_is_stored(
    tmp_path: Path, database_url: str, amqp_url: str, golden: GoldenSpool
) -> None:
    """A redirector of this release adopts, publishes and removes it; each click is a row."""
    source = golden.leave_in(tmp_path)
    async with running_worker(database_url, amqp_url) as worker:
        await until(worker.is_consuming)
        for statement in statements_for(DAY.date()):
            await fetch(database_url, statement)
        async with asyncio.timeout(DEADLINE_S):
            await publish_spools_in(tmp_path, amqp_url)
        await until_stored(database_url, len(golden.due))
    rows = await fetch(database_url, f"SELECT {', '.join(COLUMNS)} FROM clicks ORDER BY id")
    assert [tuple(row) for row in rows] == [
        tuple(getattr(click, name) for name in COLUMNS) for click in golden.clicks
    ]
    expected = f"{{[{golden.due.start},{golden.due.stop})}}"
    assert await ledger(database_url, uuid.UUID(source)) == (expected, len(golden.due), 0, 0)
    assert await queued(amqp_url, broker.DEAD_QUEUE) == 0
    await assert_counts_are_rows(database_url)
    assert list(tmp_path.iterdir()) == []
