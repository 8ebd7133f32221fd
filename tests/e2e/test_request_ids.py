"""One id for a request, wherever it leaves a trace: answer, nginx's log, service's log, click."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2

from local_stack.stack import Stack
from tests.e2e.test_first_link import create
from tests.support.database import fetch, wait_until_stored

DEADLINE_S = 20


async def lines_with(log: Path, request_id: str) -> list[dict[str, Any]]:
    """Return the lines of a log that have the id, once there is one."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            found = [
                line for line in log.read_text(errors="replace").splitlines() if request_id in line
            ]
            if found:
                return [json.loads(line) for line in found]
            await asyncio.sleep(0.05)


async def test_a_call_of_the_api(stack: Stack, api: httpx2.AsyncClient) -> None:
    """The caller's answer, nginx and the shortener name the same id."""
    answer = await api.post("/short-urls", json={"longUrl": "https://example.org/"})
    request_id = answer.headers["x-request-id"]
    (access,) = await lines_with(stack.home.log("nginx-access"), request_id)
    assert (access["method"], access["status"]) == ("POST", 200)
    (change,) = await lines_with(stack.home.log("shortener"), request_id)
    assert (change["event"], change["request_id"]) == ("link_created", request_id)


async def test_a_visit(stack: Stack, api: httpx2.AsyncClient, visitor: httpx2.AsyncClient) -> None:
    """The visitor's answer and the row name the same id; nginx too, unless it was redirected."""
    code = str((await create(api))["shortCode"])
    redirected = (await visitor.get(f"/{code}")).headers["x-request-id"]
    unknown = (await visitor.get(f"/{code}-unknown")).headers["x-request-id"]
    await wait_until_stored(stack.urls.database_url, {redirected, unknown})
    rows = await fetch(
        stack.urls.database_url,
        "SELECT request_id, short_code FROM clicks WHERE request_id = ANY($1::text[])",
        [redirected, unknown],
    )
    assert {row["request_id"]: row["short_code"] for row in rows} == {
        redirected: code, unknown: f"{code}-unknown",
    }  # fmt: skip
    (access,) = await lines_with(stack.home.log("nginx-access"), unknown)
    assert (access["request_id"], access["status"]) == (unknown, 404)
