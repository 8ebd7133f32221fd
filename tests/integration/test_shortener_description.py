"""The description of the API beside a running shortener: what it reads is what is described."""

import json
from typing import Any

import httpx2
import pytest
from starlette.datastructures import QueryParams

from local_stack.home import PROJECT_ROOT
from shortener.request_fields import Fields

DOCUMENT = json.loads((PROJECT_ROOT / "docs/openapi.json").read_text())
BODIES_READ_OTHERWISE = {
    "createShortUrls", "setRedirectRules", "patchRedirectRules", "importShortUrls",
}  # fmt: skip
"""Operations whose bodies are lists or files."""
THERE = {"shortCode": "there", "tag": "there", "domain": "DEFAULT"}
LINK = {"longUrl": "https://example.org/", "customSlug": "there", "tags": ["there"]}


def described(operation: Any) -> set[str]:
    """Return the names of what it takes in the query and in the body, without brackets."""
    names = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is not None and operation["operationId"] not in BODIES_READ_OTHERWISE:
        schema = content["schema"]["$ref"].rpartition("/")[2]
        names |= set(DOCUMENT["components"]["schemas"][schema]["properties"])
    return {name.removesuffix("[]") for name in names}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names that are read of queries and bodies from now on."""
    names: set[str] = set()
    read, get = Fields._read, QueryParams.get

    def note_read(fields: Fields, name: str) -> object:
        names.add(name)
        return read(fields, name)

    def note_get(query: QueryParams, name: str, default: Any = None) -> Any:
        names.add(name)
        return get(query, name, default)

    monkeypatch.setattr(Fields, "_read", note_read)
    monkeypatch.setattr(QueryParams, "get", note_get)
    return names


async def test_what_is_described_is_what_is_read(
    client: httpx2.AsyncClient, asked: set[str]
) -> None:
    """Of each operation each parameter and each member of a body, no more and no fewer."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if operation["operationId"] == "shorten":
                continue  # it makes a body of its query, and reads that
            (
                await client.post("/short-urls", json={**LINK, "findIfExists": True})
            ).raise_for_status()
            asked.clear()
            url = path.format(**THERE)
            if operation["operationId"] == "importShortUrls":
                await client.post(url, params={"format": "csv"})
            elif "requestBody" in operation:
                for body in ({}, {**LINK, "redirectRules": []}):
                    await client.request(method, url, json=body)
            else:
                await client.request(method, url)
            assert asked == described(operation), operation["operationId"]


async def test_it_is_served_without_a_key(client: httpx2.AsyncClient) -> None:
    """As it is checked in, under each version, and as a page that asks nobody for anything."""
    del client.headers["X-Api-Key"]
    answer = await client.get("/openapi.json")
    assert answer.json() == DOCUMENT
    again = {"If-None-Match": answer.headers["ETag"]}
    assert (await client.get("/openapi.json", headers=again)).status_code == 304
    assert (await client.get("http://shortener/rest/v2/openapi.json")).json() == DOCUMENT
    page = await client.get("/docs")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'sha256-"
    )
    assert "listShortUrls" in page.text
