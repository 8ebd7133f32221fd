"""Whatever is sent: the documented problem, never a 500, and nothing half-written."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.support.api import running_shortener
from tests.support.database import fetch

GOOD = {"longUrl": "https://example.org/"}
TABLES = ("links", "tags", "link_tags", "domains")


@pytest.fixture
async def client(database_url: str, redis_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a running shortener in which the slug `taken` is taken."""
    async with running_shortener(database_url, redis_url) as client:
        taken = await client.post("/short-urls", json=GOOD | {"customSlug": "taken"})
        assert taken.status_code == 200
        yield client


async def rows(database_url: str) -> dict[str, int]:
    """Count what is stored."""
    return {table: len(await fetch(database_url, f"SELECT FROM {table}")) for table in TABLES}


def assert_problem(answer: httpx2.Response, status: int, kind: str) -> dict[str, Any]:
    """Check that the answer is this problem and whole; return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["type"] == f"https://shlink.io/api/error/{kind}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    return problem


BAD_FIELDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, ["longUrl"]),
    "null": ({"longUrl": None}, ["longUrl"]),
    "no_text": ({"longUrl": ["https://example.org/"]}, ["longUrl"]),
    "blank": ({"longUrl": "   "}, ["longUrl"]),
    "javascript": ({"longUrl": "javascript:alert(document.cookie)"}, ["longUrl"]),
    "data": ({"longUrl": "data:text/html;base64,PHNjcmlwdD4="}, ["longUrl"]),
    "relative": ({"longUrl": "//evil.test/"}, ["longUrl"]),
    "10_kb": ({"longUrl": "https://example.org/" + "x" * 10_000}, ["longUrl"]),
    "crlf": ({"longUrl": "https://example.org/\r\nSet-Cookie: a=b"}, ["longUrl"]),
    "nul_in_url": ({"longUrl": "https://example.org/\0"}, ["longUrl"]),
    "password": ({"longUrl": "https://a:b@example.org/"}, ["longUrl"]),
    "loop": ({"longUrl": "https://s.test/taken"}, ["longUrl"]),
    "percent_slug": (GOOD | {"customSlug": "a%2Fb"}, ["customSlug"]),
    "crlf_slug": (GOOD | {"customSlug": "a\r\nb"}, ["customSlug"]),
    "nul_slug": (GOOD | {"customSlug": "a\0b"}, ["customSlug"]),
    "reserved_slug": (GOOD | {"customSlug": "robots.txt"}, ["customSlug"]),
    "long_slug": (GOOD | {"customSlug": "x" * 129}, ["customSlug"]),
    "object_slug": (GOOD | {"customSlug": {}}, ["customSlug"]),
    "nul_title": (GOOD | {"title": "a\0b"}, ["title"]),
    "nul_tag": (GOOD | {"tags": ["a\0b"]}, ["tags"]),
    "long_tag": (GOOD | {"tags": ["x" * 3000]}, ["tags"]),
    "object_tags": (GOOD | {"tags": {"a": 1}}, ["tags"]),
    "nul_domain": (GOOD | {"domain": "a\0b"}, ["domain"]),
    "long_domain": (GOOD | {"domain": "x" * 3000}, ["domain"]),
    "dates_swapped": (
        GOOD | {"validSince": "2026-01-02", "validUntil": "2026-01-01"},
        ["validUntil"],
    ),
    "no_such_day": (GOOD | {"validSince": "2026-02-30"}, ["validSince"]),
    "no_offset": (GOOD | {"validSince": "2026-02-03T04:05:06"}, ["validSince"]),
    "number_date": (GOOD | {"validUntil": 1}, ["validUntil"]),
    "no_visits": (GOOD | {"maxVisits": 0}, ["maxVisits"]),
    "too_many_visits": (GOOD | {"maxVisits": 2**31}, ["maxVisits"]),
    "huge_visits": (GOOD | {"maxVisits": 10**30}, ["maxVisits"]),
    "word_visits": (GOOD | {"maxVisits": "not_a_number"}, ["maxVisits"]),
    "short_length": (GOOD | {"shortCodeLength": 3}, ["shortCodeLength"]),
    "long_length": (GOOD | {"shortCodeLength": 1000}, ["shortCodeLength"]),
    "word_boolean": (GOOD | {"crawlable": "perhaps"}, ["crawlable"]),
    "several": (
        {"longUrl": "x", "maxVisits": "y", "tags": 1.5, "domain": ":", "crawlable": 2},
        ["longUrl", "domain", "maxVisits", "crawlable"],
    ),
}

CREATION_ONLY = {"customSlug", "domain", "shortCodeLength"}
BAD_BODIES = [
    b"{",
    b"[1]",
    b'"x"',
    b"longUrl=https://example.org/",
    b'{"longUrl": NaN}',
    b'{"longUrl": "\xff"}',
    b'{"longUrl": "\\ud800"}',
    b"[" * 100_000,
    b"\x00\x01",
]


async def test_bad_fields(client: httpx2.AsyncClient, database_url: str) -> None:
    """Every bad field is named with its reason, and nothing is stored."""
    before = await rows(database_url)
    for case, (body, elements) in BAD_FIELDS.items():
        answer = await client.post("/short-urls", json=body)
        problem = assert_problem(answer, 400, "invalid-data")
        assert problem["invalidElements"] == elements, case
        assert list(problem["reasons"]) == elements, case
        assert all(problem["reasons"].values()), case
    assert await rows(database_url) == before


async def test_bad_edits(client: httpx2.AsyncClient, database_url: str) -> None:
    """A PATCH with the same bodies is refused too, where it looks at the field."""
    before = await fetch(database_url, "SELECT * FROM links")
    for case, (body, elements) in BAD_FIELDS.items():
        looked_at = [
            name for name in elements if body.get(name) is not None and name not in CREATION_ONLY
        ]
        if not looked_at:
            continue
        answer = await client.patch("/short-urls/taken", json=body)
        problem = assert_problem(answer, 400, "invalid-data")
        assert problem["invalidElements"] == looked_at, case
    assert await fetch(database_url, "SELECT * FROM links") == before


async def test_bad_json(client: httpx2.AsyncClient, database_url: str) -> None:
    """What is no JSON object is malformed, whatever the content type says."""
    before = await rows(database_url)
    for body in BAD_BODIES:
        for method, path in (("POST", "/short-urls"), ("PATCH", "/short-urls/taken")):
            answer = await client.request(method, path, content=body)
            assert_problem(answer, 400, "malformed-request-body")
    assert await rows(database_url) == before


async def test_a_body_without_content_type(client: httpx2.AsyncClient) -> None:
    """JSON is all there is, so it need not be named."""
    answer = await client.post("/short-urls", content=json.dumps(GOOD).encode())
    assert answer.status_code == 200


async def test_a_megabyte_too_much(client: httpx2.AsyncClient) -> None:
    """A body larger than any that makes sense is not read to its end."""
    body = json.dumps(GOOD | {"title": "x" * 1024 * 1024}).encode()
    assert_problem(await client.post("/short-urls", content=body), 413, "payload-too-large")


async def test_a_loop_of_its_own(client: httpx2.AsyncClient) -> None:
    """The first link of a domain cannot lead to that domain either."""
    body = {"longUrl": "https://new.test/x", "domain": "new.test", "customSlug": "x"}
    problem = assert_problem(await client.post("/short-urls", json=body), 400, "invalid-data")
    assert problem["invalidElements"] == ["longUrl"]


async def test_a_taken_slug(client: httpx2.AsyncClient, database_url: str) -> None:
    """Neither the domain nor the tags of the failed attempt are created."""
    body = GOOD | {"customSlug": "x", "domain": "d.test"}
    await client.post("/short-urls", json=body)
    before = await rows(database_url)
    again = await client.post("/short-urls", json=body | {"tags": ["t"]})
    problem = assert_problem(again, 400, "non-unique-slug")
    assert (problem["customSlug"], problem["domain"]) == ("x", "d.test")
    assert await rows(database_url) == before


async def test_a_wrong_method(client: httpx2.AsyncClient) -> None:
    """The right ones are in the Allow header."""
    for method, path, allowed in (
        ("PUT", "/short-urls", "GET, HEAD, POST"),
        ("POST", "/short-urls/taken", "DELETE, GET, HEAD, PATCH"),
        ("POST", "/health", "GET, HEAD"),
    ):
        answer = await client.request(method, path)
        assert_problem(answer, 405, "method-not-allowed")
        assert answer.headers["allow"] == allowed


async def test_a_malformed_host(client: httpx2.AsyncClient) -> None:
    """The Host header is nothing that an answer depends on."""
    for path, status in (("/nope", 404), ("/short-urls", 200)):
        answer = await client.get(path, headers={"Host": "[::"})
        assert answer.status_code == status


async def test_an_unknown_path(client: httpx2.AsyncClient) -> None:
    """No key is needed to learn that there is nothing."""
    for path in ("/nope", "/short-urls/", "/short-urls/a/b", "/short-urls/a%2Fb"):
        answer = await client.get(path, headers={"X-Api-Key": ""})
        assert_problem(answer, 404, "not-found")
