"""Batches in a real PostgreSQL: each click once, counts and ledger true."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.batch import open_batch
from click_ingest.click_writer import ClickWriter
from click_ingest.refusal import refusal_of
from shared.click_event import ClickEvent, encode_line
from tests.support.clicks import CHROME, Delivered, a_click, a_message
from tests.support.database import fetch
from tests.support.ingest import (
    a_writer,
    an_engine,
    assert_counts_are_rows,
    ledger,
    make_partitions,
    stored_clicks,
)
from tests.support.tcp_proxy import proxied


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a database with partitions."""
    async with an_engine(database_url) as engine:
        await make_partitions(engine)
        yield engine


@pytest.fixture
def writer(engine: AsyncEngine) -> ClickWriter:
    """The worker's writer."""
    return a_writer(engine)


async def write(writer: ClickWriter, *messages: Delivered) -> int:
    """Write messages as one batch."""
    return await writer.write(open_batch(messages))


async def test_every_member_of_a_click_is_stored(database_url: str, writer: ClickWriter) -> None:
    """A row has what the event has, and what its user agent says."""
    click = a_click(referer="https://example.org/é?q=1\t\\N", short_code="ünï🙂", ip="2001:db8::")
    assert await write(writer, a_message([click])) == 1
    (row,) = await fetch(database_url, "SELECT * FROM clicks")
    stored = dict(row)
    assert (str(stored.pop("id")), str(stored.pop("ip"))) == (click.id, click.ip)
    agent = [stored.pop(name) for name in ("browser", "operating_system", "device", "is_bot")]
    assert agent == ["Chrome", "Windows", None, False]
    assert stored == {name: getattr(click, name) for name in stored}


async def test_orphans_and_bots_are_stored_and_counted_apart(
    database_url: str, writer: ClickWriter
) -> None:
    """A click without a link counts under link 0, and nobody is dropped for being a bot."""
    orphan = a_click(type="invalid_short_url", link_id=None, redirect_url=None, ip=None)
    bot = a_click(user_agent="curl/8.5.0", link_id=7, visitor=None)
    await write(writer, a_message([orphan, bot, a_click(link_id=7), a_click(link_id=7)]))
    counts = await fetch(
        database_url,
        "SELECT link_id, type, is_bot, clicks FROM click_counts_total ORDER BY 1, 2, 3",
    )
    assert [tuple(row) for row in counts] == [
        (0, "invalid_short_url", False, 1),
        (7, "link", False, 2),
        (7, "link", True, 1),
    ]
    await assert_counts_are_rows(database_url)


async def test_hours_are_those_of_utc(database_url: str, writer: ClickWriter) -> None:
    """A click counts in the hour it happened in, whatever the server's time zone."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = [midnight - timedelta(milliseconds=1), midnight, midnight + timedelta(minutes=59)]
    await fetch(database_url, "ALTER ROLE CURRENT_USER SET timezone = 'Asia/Kolkata'")
    try:
        await write(writer, a_message([a_click(clicked_at=moment) for moment in moments]))
    finally:
        await fetch(database_url, "ALTER ROLE CURRENT_USER RESET timezone")
    hours = await fetch(database_url, "SELECT hour, clicks FROM click_counts_hourly ORDER BY 1")
    assert [tuple(row) for row in hours] == [(midnight - timedelta(hours=1), 1), (midnight, 2)]


async def test_a_batch_that_comes_again_changes_nothing(
    database_url: str, writer: ClickWriter
) -> None:
    """Redelivery adds no row and no count; the ledger shows neither loss nor repeats."""
    source = uuid.uuid4()
    message = a_message([a_click() for _ in range(100)], source=source, first_sequence=50)
    assert await write(writer, message) == 100
    assert await write(writer, message) == 0
    assert await stored_clicks(database_url) == 100
    assert await ledger(database_url, source) == ("{[50,150)}", 100, 0, 0)
    await assert_counts_are_rows(database_url)


async def test_a_message_twice_in_one_batch_counts_once(
    database_url: str, writer: ClickWriter
) -> None:
    """A redelivery may meet the original in the same batch."""
    source = uuid.uuid4()
    message = a_message([a_click(), a_click()], source=source)
    assert await write(writer, message, message) == 2
    assert await ledger(database_url, source) == ("{[0,2)}", 2, 0, 0)
    await assert_counts_are_rows(database_url)


@pytest.mark.parametrize("is_one_batch", [True, False], ids=["one batch", "two batches"])
async def test_a_click_from_two_sources_is_one_row(
    database_url: str, writer: ClickWriter, is_one_batch: bool
) -> None:
    """After a failover both spools send the click: one row, and one of the two is a repeat."""
    click, first, second = a_click(), uuid.uuid4(), uuid.uuid4()
    messages = [
        a_message([a_click(), click], source=first),
        a_message([click, a_click()], source=second, first_sequence=9),
    ]
    if is_one_batch:
        assert await write(writer, *messages) == 3
    else:
        assert [await write(writer, message) for message in messages] == [2, 1]
    assert await stored_clicks(database_url) == 3
    states = [await ledger(database_url, source) for source in (first, second)]
    assert [state[0] for state in states] == ["{[0,2)}", "{[9,11)}"]
    assert sum(state[1] for state in states) == 3
    assert sorted(state[3] for state in states) == [0, 1]
    await assert_counts_are_rows(database_url)


async def test_a_hole_in_the_ledger_stays_visible(database_url: str, writer: ClickWriter) -> None:
    """What never arrived is a gap between ranges, and closes when it does arrive."""
    source = uuid.uuid4()

    def part(first: int) -> Delivered:
        return a_message([a_click() for _ in range(10)], source=source, first_sequence=first)

    await write(writer, part(0), part(20))
    assert (await ledger(database_url, source))[0] == "{[0,10),[20,30)}"
    await write(writer, part(10))
    assert await ledger(database_url, source) == ("{[0,30)}", 30, 0, 0)


async def test_poison_is_counted_once_however_often_it_comes(
    database_url: str, writer: ClickWriter
) -> None:
    """Received is stored plus set aside plus repeated, also after a redelivery in other parts."""
    source = uuid.uuid4()
    lines = [encode_line(a_click()) for _ in range(4)]
    body = lines[0] + b"poison\n" + lines[1] + b"poison\n" + lines[2]
    message = a_message(body=body, source=source)
    await write(writer, message)
    assert await ledger(database_url, source) == ("{[0,5)}", 3, 2, 0)
    later = a_message(body=b"poison\n" + lines[3], source=source, first_sequence=5)
    await write(writer, message, later)
    assert await ledger(database_url, source) == ("{[0,7)}", 4, 3, 0)
    await write(writer, message, message, later)
    assert await ledger(database_url, source) == ("{[0,7)}", 4, 3, 0)


async def test_a_replayed_letter_moves_from_set_aside_to_stored(
    database_url: str, writer: ClickWriter
) -> None:
    """Once what was wrong is mended, a replay leaves the sum as it was, also if it comes twice."""
    source = uuid.uuid4()
    click = a_click()
    batch = open_batch([a_message([click, a_click()], source=source, first_sequence=3)])
    refusal = refusal_of(asyncpg.CheckViolationError("no partition"))
    assert refusal is not None
    batch = batch.without([(click, refusal)])
    await writer.write(batch)
    assert await ledger(database_url, source) == ("{[3,5)}", 1, 1, 0)
    letter = batch.dead_letters[0]
    replay = Delivered(letter.body, {**letter.headers, "reason": letter.reason})
    for _ in range(2):
        await write(writer, replay)
        assert await ledger(database_url, source) == ("{[3,5)}", 2, 0, 0)


async def test_an_empty_message_makes_its_source_known(
    database_url: str, writer: ClickWriter
) -> None:
    """A mark without clicks leaves a row without ranges."""
    source = uuid.uuid4()
    assert await write(writer, a_message([], source=source, first_sequence=3)) == 0
    assert await ledger(database_url, source) == ("{}", 0, 0, 0)


async def test_clicks_counts_and_ledger_are_one_transaction(
    database_url: str, writer: ClickWriter
) -> None:
    """When the last statement fails nothing of the batch is there."""
    await fetch(database_url, "ALTER TABLE click_sources RENAME TO hidden")
    message = a_message([a_click()])
    with pytest.raises(asyncpg.UndefinedTableError):
        await write(writer, message)
    assert await stored_clicks(database_url) == 0
    assert await fetch(database_url, "SELECT FROM click_counts_total") == []
    await fetch(database_url, "ALTER TABLE hidden RENAME TO click_sources")
    assert await write(writer, message) == 1


async def test_poison_without_a_source_leaves_no_trace(
    database_url: str, writer: ClickWriter
) -> None:
    """A batch that has neither clicks nor an entry for the ledger is written, to no effect."""
    assert await write(writer, a_message([a_click()], source=None)) == 0
    assert await fetch(database_url, "SELECT FROM click_sources") == []


async def test_a_try_without_a_database_is_no_refusal(database_url: str) -> None:
    """When the connection breaks while a refused click is looked for, no click is to blame."""
    async with proxied(database_url) as (proxy, url), an_engine(url) as engine:
        await make_partitions(engine)
        proxy.shut_on(b'COPY "clicks"', after_delivery=False)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)) as caught:
            await a_writer(engine).refusal([a_click()])
    assert refusal_of(caught.value) is None


REFUSED: dict[str, tuple[Callable[[], ClickEvent], str]] = {
    "outside every partition": (
        lambda: a_click(clicked_at=datetime(2001, 1, 1, tzinfo=UTC)), "no_partition",
    ),
    "NUL in a text": (lambda: a_click(user_agent=f"{CHROME}\x00"), "refused"),
    "no address": (lambda: a_click(ip="localhost"), "refused"),
    "no id": (lambda: a_click(id="not-an-id"), "refused"),
    "no link": (lambda: a_click(link_id=2**63), "refused"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
async def test_what_postgres_refuses_is_told_apart(
    database_url: str, writer: ClickWriter, name: str
) -> None:
    """The error is the data's, the connection goes on to work, and nothing is left of a try."""
    make, fault = REFUSED[name]
    bad, good = make(), a_click()
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is refusal_of's business
        await write(writer, a_message([good, bad]))
    assert refusal_of(caught.value) is not None
    refusal = await writer.refusal([good, bad])
    assert refusal is not None
    assert refusal.fault == fault
    assert await writer.refusal([good]) is None
    assert await stored_clicks(database_url) == 0
    assert await write(writer, a_message([good])) == 1


@pytest.mark.parametrize("is_committed", [True, False], ids=["committed", "not committed"])
async def test_a_commit_without_an_answer_is_written_again(
    database_url: str, is_committed: bool
) -> None:
    """Whether or not the commit took effect, the second write leaves each click once."""
    source = uuid.uuid4()
    batch = open_batch([a_message([a_click() for _ in range(50)], source=source)])
    async with proxied(database_url) as (proxy, url), an_engine(url) as engine:
        await make_partitions(engine)
        writer = a_writer(engine)
        proxy.shut_on(b"COMMIT", after_delivery=is_committed)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)) as caught:
            await writer.write(batch)
        assert proxy.triggered.is_set()
        assert refusal_of(caught.value) is None
        proxy.mend()
        assert await writer.write(batch) in ((0, 50) if is_committed else (50,))
    assert await stored_clicks(database_url) == 50
    state = await ledger(database_url, source)
    assert (state[0], state[1], state[3]) == ("{[0,50)}", 50, 0)
    await assert_counts_are_rows(database_url)


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
