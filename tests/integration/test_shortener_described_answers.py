"""Answers beside their description: each operation answers as docs/openapi.json has it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import jsonschema
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from click_ingest.click_writer import ClickWriter
from shared.settings import DatabaseSettings
from shared.store_url import DatabaseUrl
from shortener.block_command import BlockSettings, run
from tests.support.api import API_KEY
from tests.support.clicks import a_click, a_message
from tests.support.database import fetch
from tests.support.described import COMPONENTS, check_answer, operations
from tests.support.http_answers import http_answers
from tests.support.ingest import write
from tests.support.short_urls import create, edit
from tests.support.statistics import fold_all

THERE = {"shortCode": "there", "tag": "sale", "domain": "own.test"}
EXPORTED: list[dict[str, str]] = [{"format": "csv"}, {"format": "ndjson"}]
QUERIES: dict[str, list[dict[str, str]]] = {
    "shorten": [
        {"apiKey": API_KEY, "longUrl": "https://example.org/", "format": each}
        for each in ("json", "txt")
    ],
    "getQrCode": [{"format": "svg"}, {"format": "png"}],
    "importShortUrls": [{"format": "shlink-server"}],
    "upsertShortUrl": [{}, {}],  # creates, then edits
}
"""Of operations that need a query, or answer in several ways."""


@pytest.fixture
async def there(
    client: httpx2.AsyncClient, database_url: str, writer: ClickWriter, engine: AsyncEngine
) -> None:
    """Something of everything: links with and without each part, visits of every kind."""
    await create(
        client, customSlug="there", tags=["sale"], title="t", maxVisits=9,
        validSince="2020-01-01", validUntil="2099-01-01", crawlable=True,
    )  # fmt: skip
    condition = {"type": "query-param", "matchKey": "a", "matchValue": "b"}
    rules = [{"longUrl": "https://ios.test/", "conditions": [condition]}]
    await client.post("/short-urls/there/redirect-rules", json={"redirectRules": rules})
    await create(client, customSlug="other", tags=["sale"], domain="own.test")
    await create(client, customSlug="down", longUrl="https://evil.test/")
    await run(BlockSettings(DatabaseSettings(DatabaseUrl(database_url))), ["block", "evil.test"])
    await edit(client, "there", title="u")
    ids = {
        row["short_code"]: row["id"]
        for row in await fetch(database_url, "SELECT id, short_code FROM links")
    }
    of_bots = {"user_agent": "curl/8.5.0", "country": None, "referer": ""}
    clicks = [
        a_click(link_id=each, **who)
        for each in ids.values()
        for who in ({"country": "NL"}, of_bots)
    ]
    for kind in ("base_url", "invalid_short_url", "regular_404"):
        clicks += [
            a_click(link_id=None, type=kind, redirect_url=to) for to in (None, "https://e.test/")
        ]
    await write(writer, a_message(clicks))
    await fold_all(engine)


@contextmanager
def body_of(operation: Any) -> Iterator[Any]:
    """Give the body that is described as an example; a server to read from is one of ours."""
    if "requestBody" not in operation:
        yield None
        return
    content = operation["requestBody"]["content"]["application/json"]
    example = content["example"]
    jsonschema.validate(example, content["schema"] | COMPONENTS)
    if operation["operationId"] != "importShortUrls":
        yield example
        return
    link = {"shortCode": "theirs", "longUrl": "https://example.org/", "tags": ["x"]}
    page = {"data": [link, link | {"longUrl": "no"}], "pagination": {"pagesCount": 1}}
    with http_answers(json.dumps({"shortUrls": page}).encode()) as url:
        yield example | {"baseUrl": url}


async def test_each_operation_answers_as_described(
    client: httpx2.AsyncClient, there: None
) -> None:
    """With each described status and type and no member more, where there is something to tell."""
    for method, path, operation in operations():
        name = operation["operationId"]
        met = set()
        default = EXPORTED if name.startswith("export") else [{}]
        for query in QUERIES.get(name, default):
            with body_of(operation) as body:
                answer = await client.request(
                    method, path.format(**THERE), params=query, json=body
                )
            assert answer.is_success or name == "getMercureInfo", (name, answer.text)
            if answer.is_success:
                met.add((str(answer.status_code), check_answer(operation, answer)))
        assert met == {
            (status, kind)
            for status, described in operation["responses"].items()
            if status.startswith("2")
            for kind in described.get("content", [""])
        }, name
