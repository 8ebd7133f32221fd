"""Many writers at once on a real PostgreSQL: no deadlock, no miscount."""

import asyncio
import random
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from click_ingest.click_writer import ClickWriter
from shared.click_event import ClickEvent, encode_line
from tests.support.clicks import CHROME, Delivered, a_click, a_message
from tests.support.database import fetch
from tests.support.ingest import (
    a_writer,
    an_engine,
    assert_counts_are_rows,
    make_partitions,
    stored_clicks,
    write,
)


def random_messages(chance: random.Random, clicks: Sequence[ClickEvent]) -> list[Delivered]:
    """Make messages in which some clicks come again and some lines are poison."""
    messages = []
    for _ in range(chance.randint(1, 4)):
        chosen = [encode_line(chance.choice(clicks)) for _ in range(chance.randint(0, 30))]
        if chance.random() < 0.3:
            chosen.insert(chance.randint(0, len(chosen)), b"poison\n")
        messages.append(
            a_message(
                body=b"".join(chosen),
                source=uuid.UUID(int=chance.randint(1, 3)),
                first_sequence=chance.randint(0, 200),
            )
        )
    return messages


@pytest.mark.parametrize("seed", range(5))
async def test_counts_never_disagree_with_rows(
    database_url: str, writer: ClickWriter, seed: int
) -> None:
    """After any sequence of overlapping and repeated batches both rollups are what is stored."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    clicks = [
        a_click(
            link_id=chance.choice([None, 1, 2, 3]),
            user_agent=chance.choice(["", CHROME]),
            clicked_at=datetime.now(UTC) - timedelta(minutes=chance.randint(0, 300)),
        )
        for _ in range(60)
    ]
    stored = 0
    for _ in range(12):
        stored += await write(writer, *random_messages(chance, clicks))
    assert stored == await stored_clicks(database_url)
    await assert_counts_are_rows(database_url)
    (totals,) = await fetch(
        database_url, "SELECT sum(stored)::bigint, min(dead_lettered) FROM click_sources"
    )
    assert totals[0] == stored
    assert totals[1] >= 0


@pytest.mark.parametrize("is_shared", [True, False], ids=["same clicks", "same links"])
async def test_many_workers_at_once_neither_deadlock_nor_miscount(
    database_url: str, is_shared: bool
) -> None:
    """Workers with each other's clicks, or clicks on each other's links, wait in one order."""
    clicks = [a_click(link_id=link) for link in range(1, 301) for _ in range(4)]

    async def work(writer: ClickWriter, seed: int) -> int:
        chance = random.Random(seed)  # noqa: S311 - not for secrets
        stored = 0
        for _ in range(6):
            mine = chance.sample(clicks, 600)
            if not is_shared:
                mine = [a_click(link_id=click.link_id) for click in mine]
            stored += await write(writer, a_message(mine, source=uuid.UUID(int=seed % 2)))
        return stored

    async with an_engine(database_url) as engine:
        await make_partitions(engine)
        async with asyncio.TaskGroup() as tasks:
            workers = [tasks.create_task(work(a_writer(engine), seed)) for seed in range(4)]
    assert sum(task.result() for task in workers) == await stored_clicks(database_url)
    await assert_counts_are_rows(database_url)


async def until_somebody_waits(database_url: str) -> None:
    """Wait until some statement waits for another one's lock."""
    async with asyncio.timeout(20):
        while not await fetch(database_url, "SELECT FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("click_counts_hourly", "link_id"),
        ("click_counts_total", "link_id"),
        ("click_sources", "source"),
    ],
)
async def test_rows_are_locked_in_the_order_of_their_keys(
    database_url: str, writer: ClickWriter, table: str, key: str
) -> None:
    """While a batch waits for its first row it holds none of the others, so nobody waits for it.

    Two batches that lock in different orders wait for each other, however rarely it happens.
    """

    def backwards() -> list[Delivered]:
        return [
            a_message([a_click(link_id=number)], source=uuid.UUID(int=number))
            for number in range(40, 0, -1)
        ]

    await write(writer, *backwards())
    other = await asyncpg.connect(database_url)
    try:
        async with asyncio.TaskGroup() as tasks:
            async with other.transaction():
                await other.execute(
                    f"SELECT FROM {table} WHERE {key} = (SELECT {key} FROM {table} ORDER BY {key}"
                    " LIMIT 1) FOR UPDATE"
                )
                writing = tasks.create_task(write(writer, *backwards()))
                await until_somebody_waits(database_url)
                free = await other.fetch(f"SELECT {key} FROM {table} FOR UPDATE SKIP LOCKED")
            assert await writing == 40
    finally:
        await other.close()
    assert len(free) == 40
