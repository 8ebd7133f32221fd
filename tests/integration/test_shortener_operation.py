"""What operators look at: health, readiness, metrics, connections, logs."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
import structlog

from tests.support.api import API_KEY, running_shortener
from tests.support.database import fetch

BASE = "http://shortener"


@pytest.fixture
async def client(database_url: str, redis_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a running shortener, without a key."""
    async with running_shortener(database_url, redis_url, INSTANCE="shortener-7") as client:
        yield client


async def test_health_needs_no_key(client: httpx2.AsyncClient) -> None:
    """Shlink's clients read the version and compare it."""
    for path in ("/rest/health", "/rest/v1/health", "/rest/v3/health"):
        answer = await client.get(BASE + path, headers={"X-Api-Key": ""})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/health+json"
        content = answer.json()
        assert (content["status"], content["version"]) == ("pass", "5.1.0")
        assert set(content["links"]) == {"about", "project"}


async def test_readiness_names_the_stores_and_the_pool(client: httpx2.AsyncClient) -> None:
    """Each dependency with its state, and how much of the pool is in use."""
    content = (await client.get(f"{BASE}/readyz")).json()
    assert content["status"] == "ok"
    assert set(content["checks"]) == {"postgres", "redis"}
    for store, size in (("postgres", 8), ("redis", 4)):
        check = content["checks"][store]
        assert check["latency_ms"] > 0
        assert check["pool"]["size"] == size
        assert 0 <= check["pool"]["in_use"] <= size
        assert 0 <= check["pool"]["utilisation"] <= 1
        assert check["pool"]["waiting"] == 0


async def test_the_pool_is_warm_when_the_service_is_up(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """All connections of the share are open, under the process's name, and no more."""
    await client.get("/short-urls")
    rows = await fetch(
        database_url,
        "SELECT FROM pg_stat_activity"
        " WHERE application_name = 'shortener-7' AND datname = current_database()",
    )
    assert len(rows) == 8


async def test_metrics_have_no_codes_in_them(client: httpx2.AsyncClient) -> None:
    """Requests are counted by route, changes of the cache by outcome."""
    body = {"longUrl": "https://example.org/", "customSlug": "my-secret-slug"}
    await client.post("/short-urls", json=body)
    await client.get("/short-urls/my-secret-slug")
    async with asyncio.timeout(5):
        text = ""
        while "qck_link_outbox_pending 0.0" not in text:  # the relay may see rows in passing
            text = (await client.get(f"{BASE}/metrics")).text
            await asyncio.sleep(0.05)
    assert "my-secret-slug" not in text
    assert (
        'qck_api_requests_total{method="GET",route="/rest/v3/short-urls/{shortCode}",'
        'status="200"} 1.0'
    ) in text
    assert 'qck_link_cache_writes_total{outcome="done"} 1.0' in text


async def test_a_backlog_is_visible(database_url: str) -> None:
    """While Redis is away, the number and the age of the changes that wait are metrics."""
    async with running_shortener(database_url, "redis://127.0.0.1:1/0") as client:
        for _ in range(3):
            await client.post("/short-urls", json={"longUrl": "https://example.org/"})
        async with asyncio.timeout(5):
            text = ""
            while "qck_link_outbox_pending 3.0" not in text:
                await asyncio.sleep(0.05)
                text = (await client.get(f"{BASE}/metrics")).text
    assert "qck_link_outbox_oldest_age_seconds 0.0" not in text
    assert 'qck_link_cache_writes_total{outcome="failed"} 0.0' not in text


async def test_logs_tell_what_was_changed_and_by_whom(database_url: str, redis_url: str) -> None:
    """One line for each change; neither long URLs nor keys are in any."""
    with structlog.testing.capture_logs() as logs:
        async with running_shortener(database_url, redis_url) as client:
            body = {"longUrl": "https://example.org/private", "customSlug": "x"}
            await client.post("/short-urls", json=body)
            await client.patch("/short-urls/x", json={"title": "t"})
            await client.delete("/short-urls/x")
    changes = [entry for entry in logs if entry["event"].startswith("link_")]
    assert [(entry["event"], entry["short_code"], entry["api_key"]) for entry in changes] == [
        ("link_created", "x", "initial"),
        ("link_edited", "x", "initial"),
        ("link_deleted", "x", "initial"),
    ]
    assert "private" not in str(logs)
    assert API_KEY not in str(logs)
