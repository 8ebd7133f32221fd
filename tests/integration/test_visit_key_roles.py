"""What keys with limits see of visits: those of their short URLs, and of others no trace."""

from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.click_writer import ClickWriter
from tests.support.clicks import a_click, a_message
from tests.support.database import fetch
from tests.support.ingest import write
from tests.support.keys import a_key
from tests.support.short_urls import create
from tests.support.statistics import fold_all

KINDS = ("visits", "statistics", "visits/export")


async def statuses(client: httpx2.AsyncClient, path: str) -> list[int]:
    """Ask for the visits of this path, in every form."""
    return [(await client.get(f"{path}/{kind}")).status_code for kind in KINDS]


async def visit_each(client: httpx2.AsyncClient, url: str, writer: ClickWriter) -> None:
    """Make three links, each with a tag and one click; the first one's domain has another too."""
    await create(client, customSlug="a", domain="d.test", tags=["seen"])
    await create(client, customSlug="b", domain="other.test", tags=["unseen"])
    await create(client, customSlug="c", tags=["unseen"])
    rows = await fetch(url, "SELECT id FROM links")
    await write(writer, a_message([a_click(link_id=row["id"]) for row in rows]))


async def test_a_key_of_a_domain(
    client: httpx2.AsyncClient, database_url: str, writer: ClickWriter
) -> None:
    """Other domains, and tags that only their short URLs have, are as if they were not there."""
    await visit_each(client, database_url, writer)
    client.headers["X-Api-Key"] = await a_key(
        database_url, "domain", "DOMAIN_SPECIFIC", domain="d.test"
    )
    for path in ("/domains/other.test", "/domains/DEFAULT", "/domains/none.test", "/tags/unseen"):
        assert await statuses(client, path) == [404] * len(KINDS), path
    for path in ("/domains/d.test", "/tags/seen"):
        assert await statuses(client, path) == [200] * len(KINDS), path


async def test_a_key_of_an_author(
    client: httpx2.AsyncClient, database_url: str, writer: ClickWriter
) -> None:
    """Domains and tags of others are as if they were not there; the default domain is."""
    await visit_each(client, database_url, writer)
    client.headers["X-Api-Key"] = await a_key(database_url, "author", "AUTHORED_SHORT_URLS")
    await create(client, domain="mine.test", tags=["mine"])
    for path in ("/domains/d.test", "/tags/seen"):
        assert await statuses(client, path) == [404] * len(KINDS), path
    for path in ("/domains/mine.test", "/domains/DEFAULT", "/tags/mine"):
        assert await statuses(client, path) == [200] * len(KINDS), path
    found = await client.get("/tags/mine/visits", params={"domain": "d.test"})
    assert found.json()["visits"]["data"] == []


async def test_a_domain_of_many_links_is_summed_up_for_its_key_too(
    client: httpx2.AsyncClient,
    database_url: str,
    engine: AsyncEngine,
    writer: ClickWriter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its overview and statistics are the domain's own, however many links that has."""
    await visit_each(client, database_url, writer)
    await fold_all(engine)
    monkeypatch.setattr("shortener.visit_scope.FEW_LINKS", 0)
    today, days = datetime.now(UTC).date(), timedelta(days=2)
    dates = {"startDate": str(today - days), "endDate": str(today + days)}
    all_of_it = (await client.get("/domains/d.test/statistics", params=dates)).json()
    key = await a_key(database_url, "domain", "DOMAIN_SPECIFIC", domain="d.test")
    client.headers["X-Api-Key"] = key
    assert (await client.get("/domains/d.test/statistics", params=dates)).json() == all_of_it
    summary = (await client.get("/visits")).json()["visits"]["nonOrphanVisits"]
    assert summary == {"total": 1, "nonBots": 1, "bots": 0}
    none = await a_key(database_url, "none", "DOMAIN_SPECIFIC", domain="empty.test")
    client.headers["X-Api-Key"] = none
    summary = (await client.get("/visits")).json()["visits"]["nonOrphanVisits"]
    assert summary == {"total": 0, "nonBots": 0, "bots": 0}
