"""Domains and their redirects on a real PostgreSQL, and what keys with limits see of them."""

from typing import Any

import httpx2
import pytest

from tests.support.api import running_shortener
from tests.support.keys import a_key
from tests.support.short_urls import create

NOWHERE = {"baseUrlRedirect": None, "regular404Redirect": None, "invalidShortUrlRedirect": None}


async def domains(client: httpx2.AsyncClient) -> dict[str, Any]:
    """List all of them."""
    answer = await client.get("/domains")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["domains"]
    return found


async def change(client: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    """Change redirects, which must succeed."""
    answer = await client.patch("/domains/redirects", json=body)
    assert answer.status_code == 200, answer.text
    redirects: dict[str, Any] = answer.json()
    return redirects


async def test_domains_are_listed(client: httpx2.AsyncClient) -> None:
    """The default one first, then by name those that have short URLs or redirects."""
    assert await domains(client) == {
        "data": [{"domain": "s.test", "isDefault": True, "redirects": NOWHERE}],
        "defaultRedirects": NOWHERE,
    }
    await create(client, domain="z.test", customSlug="gone")
    await create(client, domain="b.test")
    await change(client, domain="a.test", baseUrlRedirect="https://a.test/home")
    await client.delete("/short-urls/gone?domain=z.test")
    listed = (await domains(client))["data"]
    assert [(item["domain"], item["isDefault"]) for item in listed] == [
        ("s.test", True),
        ("a.test", False),
        ("b.test", False),
    ]
    assert listed[1]["redirects"] == NOWHERE | {"baseUrlRedirect": "https://a.test/home"}


async def test_redirects_are_kept_changed_and_cleared(client: httpx2.AsyncClient) -> None:
    """Absent stays, null takes away; the default domain has its own, by name or as DEFAULT."""
    for name in ("D.test:8080", "s.test", "DEFAULT"):
        changed = await change(client, domain=name, baseUrlRedirect="x", regular404Redirect="y")
        assert changed == NOWHERE | {"baseUrlRedirect": "x", "regular404Redirect": "y"}
        changed = await change(client, domain=name, baseUrlRedirect=None)
        assert changed == NOWHERE | {"regular404Redirect": "y"}
        assert await change(client, domain=name) == changed
    listed = (await domains(client))["data"]
    assert [item["redirects"] for item in listed] == [changed, changed]


async def test_settings_are_the_default(database_url: str, redis_url: str) -> None:
    """What the default domain does not say itself is what the settings say."""
    variables = {"DEFAULT_BASE_URL_REDIRECT": "https://home.test/"}
    async with running_shortener(database_url, redis_url, **variables) as client:
        await change(client, domain="s.test", regular404Redirect="y")
        listed = await domains(client)
    default = NOWHERE | {"baseUrlRedirect": "https://home.test/"}
    assert listed["defaultRedirects"] == default
    assert listed["data"][0]["redirects"] == default | {"regular404Redirect": "y"}


@pytest.mark.parametrize(
    ("body", "bad"),
    [
        ({}, ["domain"]),
        ({"domain": "a b"}, ["domain"]),
        ({"domain": "a.test:99999"}, ["domain"]),
        ({"domain": "127.0.0.1"}, ["domain"]),
        ({"domain": "", "baseUrlRedirect": []}, ["domain", "baseUrlRedirect"]),
        ({"domain": "a.test", "regular404Redirect": "x" * 2049}, ["regular404Redirect"]),
    ],
)
async def test_bad_redirects_are_told(
    client: httpx2.AsyncClient, body: dict[str, Any], bad: list[str]
) -> None:
    """All bad fields at once, and nothing is stored."""
    answer = await client.patch("/domains/redirects", json=body)
    assert (answer.status_code, answer.json()["invalidElements"]) == (400, bad)
    assert len((await domains(client))["data"]) == 1


async def test_limited_keys_see_their_domains(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """One domain without the default, or those with short URLs of their own; no other changes."""
    await create(client, domain="a.test")
    await create(client, domain="b.test")
    key = await a_key(database_url, "of-a", "DOMAIN_SPECIFIC", domain="a.test")
    client.headers["X-Api-Key"] = key
    assert [item["domain"] for item in (await domains(client))["data"]] == ["a.test"]
    assert await change(client, domain="a.test", baseUrlRedirect="x")
    for other in ("b.test", "s.test", "new.test"):
        answer = await client.patch("/domains/redirects", json={"domain": other})
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("/domain-not-found")
        assert answer.json()["authority"] == other
    client.headers["X-Api-Key"] = await a_key(database_url, "mine", "AUTHORED_SHORT_URLS")
    assert [item["domain"] for item in (await domains(client))["data"]] == ["s.test"]
    answer = await client.patch("/domains/redirects", json={"domain": "a.test"})
    assert answer.status_code == 404
    await create(client, domain="c.test")
    listed = (await domains(client))["data"]
    assert [item["domain"] for item in listed] == ["s.test", "c.test"]
    assert await change(client, domain="c.test", baseUrlRedirect="x")
