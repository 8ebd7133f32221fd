"""Links on two domains with tags, and clicks of theirs of every kind, drawn by a seed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from click_ingest.click_writer import ClickWriter
from shared.click_event import ClickEvent
from tests.support.clicks import CHROME, a_click, a_message
from tests.support.database import fetch
from tests.support.ingest import write

AGENTS = (CHROME, "curl/8.5.0", "", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0")
REFERERS = ("", "https://t.co/x", "https://News.example.org:8443/a?b", "android-app://com.app/")


def dice(seed: int) -> Random:
    """Make a choice that can be repeated."""
    return Random(seed)  # noqa: S311


async def make_links(url: str, count: int) -> None:
    """Make links 1 to `count`, every second one on a domain of its own, with tags."""
    await fetch(url, "INSERT INTO domains (authority) VALUES ('own.test')")
    await fetch(url, "INSERT INTO tags (name) VALUES ('a'), ('b')")
    await fetch(
        url,
        "INSERT INTO links (domain, short_code, long_url, long_url_hash)"
        " SELECT CASE WHEN n % 2 = 0 THEN 'own.test' ELSE '' END, 'c' || n, '', ''"
        " FROM generate_series(1, $1::int) AS n",
        count,
    )
    await fetch(
        url,
        "INSERT INTO link_tags SELECT l.id, t.id FROM links AS l, tags AS t"
        " WHERE l.id % 3 = t.id % 3",
    )


def some_clicks(random: Random, count: int, links: int) -> list[ClickEvent]:
    """Draw clicks of yesterday and today, some of them orphans."""
    now = datetime.now(UTC)
    clicks = []
    for _ in range(count):
        link = random.randrange(links + 1)
        values: dict[str, Any] = (
            {"link_id": link} if link else {"link_id": None, "type": "invalid_short_url"}
        )
        clicks.append(
            a_click(
                **values,
                clicked_at=now - timedelta(seconds=random.randrange(86_400)),
                user_agent=random.choice(AGENTS),
                referer=random.choice(REFERERS),
                country=random.choice((None, "NL", "BR")),
                visitor=random.choice((None, "short", f"{random.randrange(1, 9)}{'0' * 31}")),
            )
        )
    return clicks


async def write_all(writer: ClickWriter, clicks: Sequence[ClickEvent], size: int = 100) -> None:
    """Write clicks in batches."""
    for first in range(0, len(clicks), size):
        await write(writer, a_message(clicks[first : first + size]))
