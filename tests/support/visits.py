"""Visits of three short URLs: awkward clicks to store, and lists of them to ask for."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import httpx2

from shared.click_event import ClickEvent
from tests.support.clicks import a_click
from tests.support.database import fetch
from tests.support.short_urls import create

NOW = datetime.now(UTC).replace(microsecond=0)
CODES = ("one", "two", "three")


async def make_links(client: httpx2.AsyncClient, url: str) -> dict[str, int]:
    """Make three links: two with the tag `t`, one of them on another domain."""
    await create(client, customSlug="one", tags=["t"])
    await create(client, customSlug="two", tags=["t", "rare"], domain="own.test")
    await create(client, customSlug="three")
    rows = await fetch(url, "SELECT id, short_code FROM links")
    return {row["short_code"]: row["id"] for row in rows}


def awkward_clicks(ids: dict[str, int]) -> list[ClickEvent]:
    """Make clicks of two days: many in one millisecond, some at the edges of hours and days."""
    midnight = NOW.replace(hour=0, minute=0, second=0)
    moments = [
        *[NOW - timedelta(hours=3)] * 40,
        *[midnight] * 5,
        *[midnight - timedelta(milliseconds=1)] * 5,
        *[midnight - timedelta(hours=1)] * 3,
        *[NOW - timedelta(minutes=7 * number) for number in range(80)],
    ]
    clicks = []
    for number, moment in enumerate(moments):
        code = (*CODES, "")[number % 4]
        agent = {"user_agent": "curl/8.5.0"} if number % 5 == 0 else {}
        orphan = {"type": ("base_url", "regular_404")[number % 8 == 3], "redirect_url": None}
        clicks.append(
            a_click(
                clicked_at=moment,
                link_id=ids.get(code),
                visited_url=f"https://s.test/{number}",
                **agent,
                **({} if code else orphan),
            )
        )
    return clicks


async def page(client: httpx2.AsyncClient, path: str, **params: Any) -> dict[str, Any]:
    """Ask for a page, which must be answered."""
    name, _, query = path.partition("?")
    answer = await client.get(name, params={**dict(parse_qsl(query)), **params})
    assert answer.status_code == 200, answer.text
    visits: dict[str, Any] = answer.json()["visits"]
    return visits


async def scanned(url: str, where: str, *arguments: Any) -> list[str]:
    """Return the visited URLs of all rows that meet a condition, newest first."""
    rows = await fetch(
        url,
        "SELECT visited_url FROM clicks LEFT JOIN links ON links.id = link_id"
        f" WHERE {where} ORDER BY clicks.id DESC",
        *arguments,
    )
    return [row["visited_url"] for row in rows]
