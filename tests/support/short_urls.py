"""Short URLs made and changed through the API, which must succeed."""

from typing import Any

import httpx2

from tests.support.database import fetch

LONG_URL = "https://example.org/a?b=1"


async def try_to_create(client: httpx2.AsyncClient, **body: Any) -> httpx2.Response:
    """Ask for a short URL, and return whatever is answered."""
    return await client.post("/short-urls", json={"longUrl": LONG_URL, **body})


async def create(client: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    """Create a short URL, which must succeed."""
    answer = await try_to_create(client, **body)
    assert answer.status_code == 200, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def edit(client: httpx2.AsyncClient, code: str, **body: Any) -> dict[str, Any]:
    """Edit a short URL, which must succeed."""
    answer = await client.patch(f"/short-urls/{code}", json=body)
    assert answer.status_code == 200, answer.text
    edited: dict[str, Any] = answer.json()
    return edited


async def count_visits(url: str, code: str, people: int, bots: int = 0) -> None:
    """Put totals into the table that click-ingest keeps."""
    await fetch(
        url,
        "INSERT INTO click_counts_total SELECT id, 'link', is_bot, clicks FROM links,"
        " (VALUES (false, $2::bigint), (true, $3::bigint)) AS counts (is_bot, clicks)"
        " WHERE short_code = $1",
        code,
        people,
        bots,
    )
