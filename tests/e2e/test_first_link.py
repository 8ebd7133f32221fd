"""What a newcomer does first: shorten, follow, count."""

import asyncio
import uuid

import httpx2
import pytest

from local_stack.stack import Stack
from tests.support.database import fetch, wait_until_stored
from tests.support.kept_connections import KeptConnection, kept_connections
from tests.support.visitors import BROWSER


async def create(api: httpx2.AsyncClient, **body: object) -> dict[str, object]:
    """Create a short URL."""
    answer = await api.post("/short-urls", json={"longUrl": "https://example.org/", **body})
    assert answer.status_code == 200, answer.text
    created: dict[str, object] = answer.json()
    return created


async def visits(api: httpx2.AsyncClient, code: object) -> dict[str, int]:
    """Ask for the visits of a short URL."""
    summary: dict[str, int] = (await api.get(f"/short-urls/{code}")).json()["visitsSummary"]
    return summary


async def test_shorten_redirect_count(
    stack: Stack, api: httpx2.AsyncClient, visitor: httpx2.AsyncClient
) -> None:
    """A new link redirects at once, and its visit is counted and stored."""
    created = await create(api, longUrl="https://example.org/page?a=1")
    code = created["shortCode"]
    assert created["shortUrl"] == f"{stack.urls.public_url}/{code}".replace(
        "127.0.0.1", "localhost"
    )
    answer = await visitor.get(f"/{code}")
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://example.org/page?a=1"
    assert answer.headers["cache-control"] == "private, no-store"
    async with asyncio.timeout(20):
        while (await visits(api, code))["total"] == 0:
            await asyncio.sleep(0.05)
    assert await visits(api, code) == {"total": 1, "nonBots": 1, "bots": 0}
    (row,) = await fetch(
        stack.urls.database_url, "SELECT * FROM clicks WHERE short_code = $1", code
    )
    assert row["request_id"] == answer.headers["x-request-id"]
    assert (row["type"], row["is_bot"], row["browser"]) == ("link", False, "Firefox")
    assert str(row["ip"]) == "127.0.0.0"


async def test_head_is_no_visit(api: httpx2.AsyncClient, visitor: httpx2.AsyncClient) -> None:
    """HEAD is redirected and never counted."""
    code = (await create(api))["shortCode"]
    assert (await visitor.head(f"/{code}")).status_code == 302
    assert (await visitor.get(f"/{code}")).status_code == 302
    async with asyncio.timeout(20):
        while (await visits(api, code))["total"] == 0:
            await asyncio.sleep(0.05)
    assert (await visits(api, code))["total"] == 1


async def test_the_same_page_twice_is_two_visits(
    api: httpx2.AsyncClient, visitor: httpx2.AsyncClient
) -> None:
    """Nothing on the way caches a redirect."""
    code = (await create(api))["shortCode"]
    for _ in range(2):
        await visitor.get(f"/{code}")
    async with asyncio.timeout(5):
        while (await visits(api, code))["total"] < 2:
            await asyncio.sleep(0.05)


async def test_bots_are_counted_apart(
    api: httpx2.AsyncClient, visitor: httpx2.AsyncClient
) -> None:
    """A crawler's visit is stored and told apart."""
    code = (await create(api))["shortCode"]
    await visitor.get(f"/{code}", headers={"User-Agent": "Googlebot/2.1"})
    async with asyncio.timeout(20):
        while (await visits(api, code))["total"] == 0:
            await asyncio.sleep(0.05)
    assert await visits(api, code) == {"total": 1, "nonBots": 0, "bots": 1}


@pytest.mark.parametrize("slug", ["promo", "😀", "кот", "a.b_c~d"])
async def test_custom_slugs_of_any_script(
    api: httpx2.AsyncClient, visitor: httpx2.AsyncClient, slug: str
) -> None:
    """A slug with emoji or letters of any script is followed as browsers ask for it."""
    wanted = f"{slug}-{uuid.uuid4().hex[:6]}"
    assert (await create(api, customSlug=wanted))["shortCode"] == wanted
    assert (await visitor.get(f"/{wanted}")).status_code == 302


async def test_an_edit_is_seen(api: httpx2.AsyncClient, visitor: httpx2.AsyncClient) -> None:
    """After the API has answered, an edit and a deletion reach redirects."""
    code = (await create(api))["shortCode"]
    await visitor.get(f"/{code}")
    await api.patch(f"/short-urls/{code}", json={"longUrl": "https://example.org/new"})
    async with asyncio.timeout(10):
        while (await visitor.get(f"/{code}")).headers.get("location") != "https://example.org/new":
            await asyncio.sleep(0.01)
    assert (await api.delete(f"/short-urls/{code}")).status_code == 204
    async with asyncio.timeout(10):
        while (await visitor.get(f"/{code}")).status_code != 404:
            await asyncio.sleep(0.01)


async def test_a_code_asked_for_before_it_exists(
    api: httpx2.AsyncClient, visitor: httpx2.AsyncClient
) -> None:
    """A remembered "unknown" does not hide a link that is made afterwards."""
    code = f"later-{uuid.uuid4().hex[:8]}"
    assert (await visitor.get(f"/{code}")).status_code == 404
    await create(api, customSlug=code)
    async with asyncio.timeout(10):
        while (await visitor.get(f"/{code}")).status_code != 302:
            await asyncio.sleep(0.01)


async def test_a_visit_limit_is_exact(api: httpx2.AsyncClient, stack: Stack) -> None:
    """A thousand visits at once of a link with ten are exactly ten redirects."""
    code = str((await create(api, maxVisits=10))["shortCode"])

    async def visit(visitor: KeptConnection) -> int:
        while True:
            # Not a bot's: those are not charged.
            visitor.ask(code, f"User-Agent: {BROWSER}\r\n")
            status, headers = await visitor.answer()
            if status != 503:
                return status
            await asyncio.sleep(int(headers["retry-after"]))  # a busy PostgreSQL asks for it

    async with asyncio.timeout(120), kept_connections(1000, stack.public_port) as visitors:
        statuses = await asyncio.gather(*(visit(visitor) for visitor in visitors))
    assert sorted(statuses) == [302] * 10 + [404] * 990


async def test_orphans_are_stored_by_kind(stack: Stack, visitor: httpx2.AsyncClient) -> None:
    """The base URL, an unknown code and any other path each leave an orphan of their kind."""
    kinds = {}
    for path, kind in (("/", "base_url"), ("/n0pe", "invalid_short_url"), ("/a/b", "regular_404")):
        answer = await visitor.get(path)
        assert answer.status_code == 404
        kinds[answer.headers["x-request-id"]] = kind
    await wait_until_stored(stack.urls.database_url, set(kinds))
    rows = await fetch(
        stack.urls.database_url,
        "SELECT request_id, type FROM clicks WHERE request_id = ANY($1::text[])",
        list(kinds),
    )
    assert {row["request_id"]: row["type"] for row in rows} == kinds


async def test_rollups_equal_rows(stack: Stack) -> None:
    """The sums of the rollups are the numbers of rows, at any moment."""
    (row,) = await fetch(
        stack.urls.database_url,
        "SELECT (SELECT count(*) FROM clicks) AS stored,"
        " (SELECT coalesce(sum(clicks), 0) FROM click_counts_hourly) AS hourly,"
        " (SELECT coalesce(sum(clicks), 0) FROM click_counts_total) AS total,"
        " (SELECT coalesce(sum(stored), 0) FROM click_sources) AS ledger",
    )
    assert row["stored"] == row["hourly"] == row["total"] == row["ledger"]
