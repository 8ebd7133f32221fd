"""What the statistics will have to add, left beside the clicks in their transaction."""

from collections.abc import Callable, Sequence
from operator import attrgetter

import asyncpg

from click_ingest.user_agent import UserAgent
from shared.click_delta import ORPHANS, Source, encode_delta
from shared.click_event import ClickEvent
from shared.day_statistics import source_values

_INSERT = "INSERT INTO click_deltas (clicks, delta) VALUES ($1, $2)"

# All that `_source` is told of a click; read for each of them, so in C.
_key = attrgetter("referer", "user_agent")


async def record(
    connection: "asyncpg.Connection[asyncpg.Record]",
    clicks: Sequence[ClickEvent],
    hours: Sequence[int],
    recognise: Callable[[str], UserAgent],
) -> None:
    """Insert one row for these clicks, which must be new, within the caller's transaction."""
    if not clicks:
        return

    def source(key: tuple[str, str]) -> Source:
        referer, user_agent = key
        agent = recognise(user_agent)
        values = source_values(referer, agent.browser, agent.operating_system, agent.device)
        return Source(agent.is_bot, values)

    delta = encode_delta(
        links=[click.link_id or ORPHANS for click in clicks],
        hours=hours,
        keys=map(_key, clicks),
        source=source,
        visitors=[click.visitor for click in clicks],
    )
    await connection.execute(_INSERT, len(clicks), delta)
