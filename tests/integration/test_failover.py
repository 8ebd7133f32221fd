"""The primary is lost and its standby promoted: services find it, and nothing answered is gone."""

import asyncio
import uuid
from pathlib import Path

from redirector.link_store import LinkStore
from redirector.visit_limit import VisitLimit
from shared import broker
from shared.db.engine import create_engine, warm
from shared.db.migrate import migrate
from shared.settings import Secret
from tests.support.api import running_shortener
from tests.support.clicks import messages_of
from tests.support.database import fetch
from tests.support.ingest import (
    assert_counts_are_rows,
    ledger,
    publish,
    queued,
    running_worker,
    until_stored,
)
from tests.support.postgres_pair import a_postgres_pair
from tests.support.short_urls import try_to_create


async def test_a_standby_takes_over(tmp_path: Path, redis_url: str, amqp_url: str) -> None:
    """With both addresses in DATABASE_URL nobody restarts anything, and no answer was untrue."""
    source = uuid.uuid4()
    messages = messages_of(source, 6, 50)
    async with a_postgres_pair(tmp_path) as pair:
        await migrate(Secret(pair.url))
        engine = create_engine(
            Secret(pair.url), application_name="tests", pool_size=2, statement_timeout_s=2,
            autocommit=True,
        )  # fmt: skip
        await warm(engine, 2)
        async with (
            running_shortener(pair.url, redis_url) as client,
            running_worker(pair.url, amqp_url),
        ):
            created, refused = set[str](), set[int]()

            async def create(slug: str) -> None:
                answer = await try_to_create(client, customSlug=slug, maxVisits=1)
                if answer.status_code == 200:
                    created.add(slug)
                else:
                    refused.add(answer.status_code)

            await create("before")
            await publish(amqp_url, messages[:4])
            await until_stored(pair.url, 200)
            pair.lose_primary()
            await publish(amqp_url, messages[4:])
            await create("meanwhile")
            await pair.promote()
            async with asyncio.timeout(30):
                while "after" not in created:
                    await create("after")
            await until_stored(pair.standby_url, 300)

            assert refused == {503}
            rows = await fetch(pair.standby_url, "SELECT id, short_code FROM links")
            assert created <= {row["short_code"] for row in rows}
            assert ("", "after") in await LinkStore(engine).find_many([("", "after")])
            (link_id,) = [row["id"] for row in rows if row["short_code"] == "after"]
            assert await VisitLimit(engine).take(link_id)
        await engine.dispose()
        assert await ledger(pair.standby_url, source) == ("{[0,300)}", 300, 0, 0)
        await assert_counts_are_rows(pair.standby_url)
    assert await queued(amqp_url, broker.DEAD_QUEUE) == 0
