"""Conditional reads, QR codes, the audit log, rate limits and expiry, on real stores."""

import asyncio
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from shared.db.engine import create_engine
from shared.metrics import ShortenerMetrics
from shared.settings import Secret
from shortener import app, rate_limit
from shortener.expiry import Expiry
from shortener.rate_limit import PAUSE_S, RateLimit, RateLimitSettings
from tests.support.api import running_shortener
from tests.support.clock import FakeClock
from tests.support.database import fetch
from tests.support.short_urls import count_visits, create, edit


async def test_what_the_caller_has_is_not_sent_again(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """A read under its own tag is 304 until a visit or an edit changes the answer."""
    await create(client, customSlug="x")
    for path in ("/short-urls/x", "/short-urls"):
        first = await client.get(path)
        assert first.headers["cache-control"] == "private, no-cache"
        tag = {"If-None-Match": f'"other", W/{first.headers["etag"]}'}
        same = await client.get(path, headers=tag)
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == first.headers["etag"]
        await count_visits(database_url, "x", people=1)
        assert (await client.get(path, headers=tag)).status_code == 200
        await fetch(database_url, "TRUNCATE click_counts_total")
        assert (await client.get(path, headers=tag)).status_code == 304
        await edit(client, "x", title=path)
        assert (await client.get(path, headers=tag)).status_code == 200


async def test_a_qr_code(client: httpx2.AsyncClient) -> None:
    """SVG or PNG of the size asked for, cacheable and known by a tag."""
    await create(client, customSlug="😀")
    svg = await client.get("/short-urls/😀/qr-code", params={"size": "200"})
    assert svg.headers["content-type"] == "image/svg+xml"
    assert b'width="200"' in svg.content
    assert svg.headers["cache-control"] == "private, max-age=3600"
    png = await client.get("/short-urls/😀/qr-code", params={"format": "png", "margin": "0"})
    assert png.content.startswith(b"\x89PNG")
    width = int.from_bytes(png.content[16:20], "big")
    assert 250 < width <= 300
    headers = {"If-None-Match": svg.headers["etag"]}
    again = await client.get("/short-urls/😀/qr-code?size=200", headers=headers)
    assert again.status_code == 304


async def test_a_qr_code_that_has_no_room(client: httpx2.AsyncClient) -> None:
    """A slug of 128 emoji fits into a QR code, with the highest error correction it does not."""
    slug = "😀" * 128
    await create(client, longUrl="https://example.org/", customSlug=slug)
    path = f"/short-urls/{slug}/qr-code?errorCorrection="
    assert (await client.get(f"{path}M")).status_code == 200
    refused = await client.get(f"{path}H")
    assert (refused.status_code, refused.json()["invalidElements"]) == (400, ["errorCorrection"])


async def test_a_qr_code_that_cannot_be(client: httpx2.AsyncClient) -> None:
    """Bad fields are named; an unknown link has none."""
    query = {"format": "gif", "size": "9", "margin": "-1", "errorCorrection": "Z"}
    bad = await client.get("/short-urls/x/qr-code", params=query)
    assert bad.json()["invalidElements"] == [*query]
    assert (await client.get("/short-urls/x/qr-code")).status_code == 404


async def test_the_audit_log(client: httpx2.AsyncClient, database_url: str) -> None:
    """Each change with its key, its request and what it changed; newest first, page by page."""
    await client.post(
        "/short-urls",
        json={"longUrl": "https://a.test/", "customSlug": "x"},
        headers={"X-Request-Id": "request-1"},
    )
    await edit(client, "x", title="t", tags=["a"])
    await create(client, customSlug="y", domain="d.test")
    await client.delete("/short-urls/x")
    pages: list[list[dict[str, Any]]] = []
    before: str | None = ""
    while before is not None:
        query = {"itemsPerPage": "3", **({"before": before} if before else {})}
        log = (await client.get("/audit-log", params=query)).json()["auditLog"]
        pages.append(log["data"])
        before = log["pagination"]["nextBefore"]
    assert [len(page) for page in pages] == [3, 1]
    deleted, other, edited, created = (entry for page in pages for entry in page)
    assert (created["action"], created["apiKeyName"], created["requestId"]) == (
        "link_created", "initial", "request-1",
    )  # fmt: skip
    assert created["before"] is None
    assert (edited["before"], edited["after"]["title"]) == (created["after"], "t")
    assert (deleted["before"], deleted["after"]) == (edited["after"], None)
    assert other["domain"] == "d.test"
    for query, count in (
        ({"shortCode": "x"}, 3),
        ({"domain": "d.test"}, 1),
        ({"action": "link_deleted"}, 1),
        ({"apiKeyName": "nobody"}, 0),
        ({"startDate": "2020-01-01", "endDate": "2020-01-02"}, 0),
        ({"startDate": "0001-01-01", "endDate": "9999-12-31T23:59:59Z"}, 4),
    ):
        log = (await client.get("/audit-log", params=query)).json()["auditLog"]
        assert len(log["data"]) == count
    bad = await client.get("/audit-log", params={"action": "x", "itemsPerPage": "501"})
    assert bad.json()["invalidElements"] == ["itemsPerPage", "action"]
    await fetch(database_url, "UPDATE api_keys SET roles = '{NO_ORPHAN_VISITS}'")
    assert (await client.get("/audit-log")).status_code == 403


async def test_a_key_that_asks_too_much(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets 429 with the time to wait, and every answer says what is left."""
    # A machine that stands still for a moment must not make the count give up.
    monkeypatch.setattr(rate_limit, "TIMEOUT_S", 30)
    monkeypatch.setattr(app, "WRITE_THROUGH_TIMEOUT_S", 30)
    limit = {"RATE_LIMIT_REQUESTS": "5", "RATE_LIMIT_WINDOW_S": "3600"}
    async with running_shortener(database_url, redis_url, **limit) as client:
        answers = [await client.get("/short-urls") for _ in range(8)]
        text = (await client.get("http://shortener/metrics")).text
    statuses = [answer.status_code for answer in answers]
    assert statuses == sorted(statuses)
    assert statuses[-3:] == [429] * 3
    assert answers[0].headers["ratelimit-policy"] == '"key";q=5;w=3600'
    last = answers[-1]
    assert last.json()["type"].endswith("/too-many-requests")
    assert 0 < int(last.headers["retry-after"]) <= 720
    assert last.headers["ratelimit"].startswith('"key";r=0;t=')
    assert 'qck_rate_limit_checks_total{outcome="refused"} 0.0' not in text


async def test_many_at_once_get_exactly_their_share(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The count is atomic, and each key has its own."""
    monkeypatch.setattr(rate_limit, "TIMEOUT_S", 30)
    metrics = ShortenerMetrics(CollectorRegistry())
    async with Redis.from_url(redis_url) as redis:
        settings = RateLimitSettings(requests=10, window_s=86_400)
        limit = RateLimit(redis, settings, calls=asyncio.Semaphore(8), metrics=metrics)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(limit.take(n % 2)) for n in range(60)]
    taken = [task.result() for task in tasks]
    for key in (0, 1):
        assert sum(one is not None and one.is_allowed for one in taken[key::2]) == 10


async def test_without_redis_nobody_is_limited() -> None:
    """Who cannot be counted is let in and counted as such; Redis is left alone for a second."""
    metrics, clock = ShortenerMetrics(CollectorRegistry()), FakeClock()
    redis = Redis(host="127.0.0.1", port=1)
    settings = RateLimitSettings(requests=1)
    limit = RateLimit(redis, settings, calls=asyncio.Semaphore(1), metrics=metrics, clock=clock)
    for _ in range(3):
        assert await limit.take(1) is None
        clock.advance(PAUSE_S / 2)
    await redis.aclose()
    assert metrics.rate_limits_skipped._value.get() == 3


@pytest.mark.parametrize("days", [365, 0])
async def test_what_has_had_its_time_is_deleted(database_url: str, days: int) -> None:
    """Old answers and entries go, more than a chunk of them too; 0 days keep the log for ever."""
    await fetch(
        database_url,
        "INSERT INTO audit_log (action, occurred_at)"
        " SELECT 'link_created', now() - n * interval '1 h' FROM generate_series(1, 15000) n",
    )
    await fetch(database_url, "INSERT INTO api_keys (key_hash, name) VALUES ('', 'k')")
    await fetch(
        database_url,
        "INSERT INTO idempotent_answers SELECT 1, n, 0, '', '', now() - n * interval '1 h'"
        " FROM generate_series(1, 30) n",
    )
    engine = create_engine(
        Secret(database_url), application_name="tests", pool_size=1, statement_timeout_s=5
    )
    expiry = Expiry(engine, idempotency_max_age_s=86_400, audit_retention_days=days)
    assert await expiry.turn() == 7 + (15_000 - 365 * 24 + 1 if days else 0)
    assert await expiry.turn() == 0
    await engine.dispose()
