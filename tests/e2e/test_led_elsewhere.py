"""Visitors who are led elsewhere, through nginx and back: rules, pixels, robots.txt."""

import uuid

import httpx2

from local_stack.stack import Stack
from tests.support.database import fetch, wait_until_stored
from tests.support.short_urls import create

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
GIF = b"GIF89a"


async def test_rules_pixels_and_slashes(
    stack: Stack, api: httpx2.AsyncClient, visitor: httpx2.AsyncClient
) -> None:
    """Each visit is stored with where it led, and a pixel's with nowhere."""
    code = (await create(api))["shortCode"]
    rule = {"longUrl": "https://app.example/", "conditions": [
        {"type": "device", "matchKey": None, "matchValue": "mobile"}]}  # fmt: skip
    path = f"/short-urls/{code}/redirect-rules"
    assert (await api.post(path, json={"redirectRules": [rule]})).status_code == 200
    answers = [
        await visitor.get(f"/{code}", headers={"User-Agent": IPHONE}),
        await visitor.get(f"/{code}/"),
        await visitor.get(f"/{code}/track"),
    ]
    assert [answer.status_code for answer in answers] == [302, 302, 200]
    assert answers[2].content.startswith(GIF)
    silent = await visitor.get(f"/{code}?nostat")
    assert silent.headers["location"] == "https://example.org/a?b=1"
    ids = [answer.headers["x-request-id"] for answer in answers]
    await wait_until_stored(stack.urls.database_url, set(ids))
    rows = await fetch(
        stack.urls.database_url,
        "SELECT request_id, redirect_url, type, country FROM clicks WHERE short_code = $1",
        code,
    )
    assert {row["request_id"]: row["redirect_url"] for row in rows} == {
        ids[0]: "https://app.example/",
        ids[1]: "https://example.org/a?b=1",
        ids[2]: None,
    }
    assert {(row["type"], row["country"]) for row in rows} == {("link", None)}


async def test_robots_txt_allows_what_is_crawlable(
    api: httpx2.AsyncClient, visitor: httpx2.AsyncClient
) -> None:
    """Asked on a host of its own, so that nobody has asked before."""
    slug = f"crawl-{uuid.uuid4().hex[:8]}"
    await create(api, customSlug=slug, crawlable=True)
    answer = await visitor.get("/robots.txt", headers={"Host": f"{slug}.test"})
    assert answer.status_code == 200
    lines = answer.text.splitlines()
    assert (lines[0], lines[-1]) == ("User-agent: *", "Disallow: /")
    assert f"Allow: /{slug}" in lines
