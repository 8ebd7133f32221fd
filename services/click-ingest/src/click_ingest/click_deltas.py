"""What the statistics will have to add, left beside the clicks in their transaction."""

from collections.abc import Callable, Sequence
from operator import attrgetter

from click_ingest.driver_connection import Connection
from click_ingest.user_agent import UserAgent
from shared.click_delta import ORPHANS, Source, encode_delta
from shared.click_event import ClickEvent
from shared.day_statistics import source_values

_INSERT = "INSERT INTO click_deltas (clicks, delta) VALUES ($1, $2)"

MAX_CLICKS = 1_000
"""Of one row, so that folding can be done in small steps."""

# All that `_source` is told of a click; read for each of them, so in C.
_key = attrgetter("referer", "user_agent", "country")


async def record(
    connection: Connection,
    clicks: Sequence[ClickEvent],
    hours: Sequence[int],
    recognise: Callable[[str], UserAgent],
) -> None:
    """Insert a row for each thousand of these clicks, within the caller's transaction.

    The clicks must be new.
    """

    def source(key: tuple[str, str, str | None]) -> Source:
        referer, user_agent, country = key
        agent = recognise(user_agent)
        values = source_values(
            referer, agent.browser, agent.operating_system, agent.device, country
        )
        return Source(agent.is_bot, values)

    rows: list[tuple[int, bytes]] = []
    for first in range(0, len(clicks), MAX_CLICKS):
        some = clicks[first : first + MAX_CLICKS]
        delta = encode_delta(
            links=[click.link_id or ORPHANS for click in some],
            hours=hours[first : first + MAX_CLICKS],
            keys=map(_key, some),
            source=source,
            visitors=[click.visitor for click in some],
        )
        rows.append((len(some), delta))
    if rows:
        await connection.executemany(_INSERT, rows)
