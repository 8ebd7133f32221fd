"""click-ingest's hot functions: from a message's bytes to rows, counts and ledger entries."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import cast

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.batch import ClickBatch, open_batch
from click_ingest.click_writer import ClickWriter
from click_ingest.user_agent import UserAgents
from shared.click_id import click_id
from tests.bench.micro.case import Case, awaited, called
from tests.bench.micro.no_database import NoDatabase
from tests.bench.micro.redirector_cases import make_click
from tests.bench.micro.request import NOW_MS
from tests.support.clicks import a_message

CLICKS = 500
"""In a message, as the redirector fills it."""

AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/{}.0.0.0 Safari/537.36"
)


def cases() -> list[Case]:
    """Make them."""
    click = make_click()
    clicks = [
        replace(click, id=click_id(NOW_MS, number), user_agent=AGENT.format(number % 50))
        for number in range(CLICKS)
    ]
    message = a_message(clicks, source=uuid.UUID(int=1))
    batch = open_batch([message])
    user_agents = UserAgents()
    first_seen = count()
    return [
        called(f"message of {CLICKS}: opened, each", lambda: open_batch([message]), each=CLICKS),
        awaited(
            f"batch of {CLICKS}: written to no database, each",
            lambda: writing(batch, user_agents),
            each=CLICKS,
        ),
        called("user agent: seen before", lambda: user_agents.recognise(AGENT.format(1))),
        called(
            "user agent: never seen",
            lambda: user_agents.recognise.__wrapped__(AGENT.format(next(first_seen))),
        ),
    ]


@asynccontextmanager
async def writing(
    batch: ClickBatch, user_agents: UserAgents
) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """Write a batch, with user agents that were seen before."""
    writer = ClickWriter(cast(AsyncEngine, NoDatabase()), user_agents=user_agents)
    yield lambda: writer.write(batch)
