"""What web consoles of other origins need: every answer readable, preflights answered."""

import httpx2

from tests.support.api import running_shortener
from tests.support.short_urls import create

ORIGIN = {"Origin": "https://console.test"}


async def test_every_answer_may_be_read(client: httpx2.AsyncClient) -> None:
    """Also errors, of whatever kind; without an origin nothing is said."""
    for path, status in (
        ("/short-urls", 200),
        ("/short-urls/unknown", 404),
        ("/nothing", 404),
        ("/short-urls?page=x", 400),
        ("/mercure-info", 501),
    ):
        answer = await client.get(path, headers=ORIGIN)
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["X-Request-Id"]
        assert "Access-Control-Allow-Origin" not in (await client.get(path)).headers
    del client.headers["X-Api-Key"]
    refused = await client.get("/tags", headers=ORIGIN)
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, "*")


async def test_conditional_answers_may_be_read(database_url: str, redis_url: str) -> None:
    """Also not modified, not as expected, and too many."""
    limits = {"RATE_LIMIT_REQUESTS": "5", "RATE_LIMIT_WINDOW_S": "3600"}
    async with running_shortener(database_url, redis_url, **limits) as client:
        client.headers.update(ORIGIN)
        await create(client, customSlug="x")
        path = "/short-urls/x"
        tag = (await client.get(path)).headers["ETag"]
        answers = [
            await client.get(path, headers={"If-None-Match": tag}),
            await client.delete(path, headers={"If-Match": '"999999.other"'}),
            await client.get(path),
        ]
    assert [answer.status_code for answer in answers] == [304, 412, 429]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_preflight_says_what_the_path_can(client: httpx2.AsyncClient) -> None:
    """Without a key, also of paths that are none; asked-for headers are allowed."""
    del client.headers["X-Api-Key"]
    for path, methods in (
        ("/short-urls", "GET,POST"),
        ("/short-urls/abc", "GET,PATCH,DELETE"),
        ("/short-urls/batch", "GET,POST,PATCH,DELETE"),
        ("/tags", "GET,PUT,DELETE"),
        ("/domains/redirects", "PATCH"),
        ("/nothing", "GET,POST,PUT,PATCH,DELETE"),
    ):
        headers = {**ORIGIN, "Access-Control-Request-Headers": "x-api-key, content-type"}
        answer = await client.options(path, headers=headers)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["Allow"] == methods
        assert answer.headers["Access-Control-Allow-Methods"] == methods
        assert answer.headers["Access-Control-Allow-Headers"] == "x-api-key, content-type"
        assert answer.headers["Access-Control-Max-Age"] == "3600"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_origins_can_be_listed(database_url: str, redis_url: str) -> None:
    """Then only these are allowed, and caches are told that it depends."""
    variables = {"CORS_ALLOW_ORIGINS": "https://console.test,https://other.test"}
    async with running_shortener(database_url, redis_url, **variables) as client:
        allowed = await client.get("/tags", headers=ORIGIN)
        refused = await client.get("/tags", headers={"Origin": "https://evil.test"})
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://console.test"
    assert "Access-Control-Allow-Origin" not in refused.headers
    assert allowed.headers["Vary"] == refused.headers["Vary"] == "Origin"


async def test_no_hub(client: httpx2.AsyncClient) -> None:
    """Clients expect exactly this where there are no live updates."""
    answer = await client.get("/mercure-info")
    assert answer.status_code == 501
    assert answer.json() == {
        "type": "https://shlink.io/api/error/mercure-not-configured",
        "title": "Mercure integration not configured",
        "detail": "This Shlink instance is not integrated with a mercure hub.",
        "status": 501,
    }


async def test_head_is_get_without_a_body(client: httpx2.AsyncClient) -> None:
    """Wherever there is a GET."""
    for path in ("/short-urls", "/tags", "/tags/stats", "/domains", "/health"):
        answer = await client.head(path)
        assert answer.status_code == 200, path
