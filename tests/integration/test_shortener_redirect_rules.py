"""Redirect rules through the API and on real stores."""

import asyncio
from typing import Any

import httpx2
import pytest

from shared.link_cache import LinkCache
from shared.redirect_rule import Condition, RedirectRule, decode_rules
from tests.support.database import fetch
from tests.support.short_urls import LONG_URL, create, edit

PATH = "/short-urls/x/redirect-rules"
IOS = {"type": "device", "matchKey": None, "matchValue": "ios"}
PARAMETER = {"type": "query-param", "matchKey": "a", "matchValue": "\u00e9"}
FIRST = {"longUrl": "https://example.org/ios", "conditions": [IOS, PARAMETER]}
SECOND = {
    "longUrl": "https://example.org/de",
    "conditions": [{"type": "language", "matchKey": None, "matchValue": "de"}],
}


async def put(client: httpx2.AsyncClient, *rules: Any, path: str = PATH) -> dict[str, Any]:
    """Set rules, which must succeed."""
    answer = await client.post(path, json={"redirectRules": list(rules)})
    assert answer.status_code == 200, answer.text
    answered: dict[str, Any] = answer.json()
    return answered


async def cached_rules(cache: LinkCache) -> tuple[RedirectRule, ...]:
    """Return the rules that redirectors see."""
    (link,) = await cache.get_many([("", "x")])
    assert link is not None
    return decode_rules(link.rules) if link.rules else ()


async def test_rules_are_set_and_read(client: httpx2.AsyncClient, cache: LinkCache) -> None:
    """With priorities in the order given; the short URL says that it has them."""
    created = await create(client, customSlug="x")
    assert created["hasRedirectRules"] is False
    assert (await client.get(PATH)).json() == {"defaultLongUrl": LONG_URL, "redirectRules": []}
    expected = {
        "defaultLongUrl": LONG_URL,
        "redirectRules": [
            {"longUrl": FIRST["longUrl"], "priority": 1, "conditions": [IOS, PARAMETER]},
            {"longUrl": SECOND["longUrl"], "priority": 2, "conditions": SECOND["conditions"]},
        ],
    }
    assert await put(client, FIRST, SECOND) == expected
    assert (await client.get(PATH)).json() == expected
    assert (await client.get("/short-urls/x")).json() == created | {"hasRedirectRules": True}
    listed = (await client.get("/short-urls")).json()["shortUrls"]["data"]
    assert [item["hasRedirectRules"] for item in listed] == [True]
    assert await cached_rules(cache) == (
        RedirectRule(
            "https://example.org/ios",
            (Condition("device", None, "ios"), Condition("query-param", "a", "\u00e9")),
        ),
        RedirectRule("https://example.org/de", (Condition("language", None, "de"),)),
    )


async def test_rules_are_replaced_as_a_whole(
    client: httpx2.AsyncClient, cache: LinkCache, database_url: str
) -> None:
    """By others, or by none; PATCH means the same."""
    await create(client, customSlug="x")
    await put(client, FIRST, SECOND)
    await put(client, SECOND)
    assert [rule.long_url for rule in await cached_rules(cache)] == [SECOND["longUrl"]]
    answer = await client.patch(PATH, json={"redirectRules": []})
    assert answer.json()["redirectRules"] == []
    assert await cached_rules(cache) == ()
    assert [tuple(row) for row in await fetch(database_url, "SELECT rules FROM links")] == [
        (None,)
    ]


async def test_the_same_rules_again_change_nothing(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """Not even the version."""
    await create(client, customSlug="x")
    await put(client, FIRST)
    before = await fetch(database_url, "SELECT version FROM links")
    await put(client, FIRST)
    assert await fetch(database_url, "SELECT version FROM links") == before
    await put(client, SECOND)
    assert await fetch(database_url, "SELECT version FROM links") > before


async def test_an_edit_leaves_the_rules(client: httpx2.AsyncClient, cache: LinkCache) -> None:
    """Only the URL without a match changes."""
    await create(client, customSlug="x")
    await put(client, FIRST)
    await edit(client, "x", longUrl="https://b.test/")
    read = (await client.get(PATH)).json()
    assert (read["defaultLongUrl"], len(read["redirectRules"])) == ("https://b.test/", 1)
    assert len(await cached_rules(cache)) == 1


async def test_rules_of_another_domain(client: httpx2.AsyncClient) -> None:
    """The same code on two domains is two links; the default domain may be named."""
    await create(client, customSlug="x")
    await create(client, customSlug="x", domain="d.test")
    await put(client, FIRST, path=f"{PATH}?domain=d.test")
    assert (await client.get(f"{PATH}?domain=s.test")).json()["redirectRules"] == []
    assert len((await client.get(f"{PATH}?domain=d.test")).json()["redirectRules"]) == 1


@pytest.mark.parametrize("path", ["/short-urls/nope/redirect-rules", f"{PATH}?domain=d.test",
                                  "/short-urls/a%20b/redirect-rules"])  # fmt: skip
async def test_an_unknown_link_comes_before_a_bad_body(
    client: httpx2.AsyncClient, path: str
) -> None:
    """It is 404, whatever is sent."""
    await create(client, customSlug="x")
    for method, body in (("GET", b""), ("POST", b"{"), ("PATCH", b'{"redirectRules": 1}')):
        answer = await client.request(method, path, content=body)
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("/short-url-not-found")


async def test_bad_rules_change_nothing(client: httpx2.AsyncClient, cache: LinkCache) -> None:
    """The problem names the field, and the reason the place; rules before stay."""
    await create(client, customSlug="x")
    await create(client, customSlug="y", domain="d.test")
    await put(client, FIRST)
    bad = {"longUrl": "https://d.test/y", "conditions": [IOS]}
    for rules, why in (([FIRST, bad], "leads back to d.test"), ([{}], "rule 1: longUrl")):
        answer = await client.post(PATH, json={"redirectRules": rules})
        assert answer.status_code == 400
        assert answer.json()["invalidElements"] == ["redirectRules"]
        assert why in answer.json()["reasons"]["redirectRules"]
    answer = await client.post(PATH, content=b"[]")
    assert answer.json()["type"].endswith("/malformed-request-body")
    assert len(await cached_rules(cache)) == 1


async def test_rules_that_are_set_at_once_do_not_mix(
    client: httpx2.AsyncClient, cache: LinkCache
) -> None:
    """Of twenty callers one is the last, and the cache has that one's rules."""
    await create(client, customSlug="x")
    sets = [[{**FIRST, "longUrl": f"https://e.test/{n}"}] * (n % 3 + 1) for n in range(20)]
    async with asyncio.TaskGroup() as tasks:
        for rules in sets:
            tasks.create_task(put(client, *rules))
    stored = (await client.get(PATH)).json()["redirectRules"]
    urls = [rule["longUrl"] for rule in stored]
    assert len(set(urls)) == 1
    assert len(urls) == int(urls[0].rpartition("/")[2]) % 3 + 1
    assert [rule.long_url for rule in await cached_rules(cache)] == urls
