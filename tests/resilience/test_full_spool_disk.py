"""A full disk under the spool: a redirector answers as ever, and tells what it cannot keep."""

import asyncio
import resource
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from local_stack.stack import Stack
from tests.support.database import wait_until_stored
from tests.support.service_metrics import figure

NAME = "redirector-1"
VISITS = 10


@asynccontextmanager
async def no_file_grows(stack: Stack) -> AsyncIterator[None]:
    """Have the kernel refuse what the redirector writes, as a full disk does."""
    pid = stack.pid(NAME)
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


async def visit(stack: Stack, code: str) -> set[str]:
    """Visit a link of this redirector; return the request ids."""
    ids = {uuid.uuid4().hex for _ in range(VISITS)}
    url = f"http://127.0.0.1:{stack.port(NAME)}/{code}"
    async with httpx2.AsyncClient(timeout=10) as replica:
        for each in ids:
            headers = {"Host": "localhost", "X-Request-Id": each}
            assert (await replica.get(url, headers=headers)).status_code == 302
    return ids


async def readiness(stack: Stack) -> dict[str, Any]:
    """Return what the redirector says of itself."""
    async with httpx2.AsyncClient(timeout=10) as http:
        answer = await http.get(f"http://127.0.0.1:{stack.port(NAME)}/readyz")
    assert answer.status_code == 200
    state: dict[str, Any] = answer.json()
    return state


async def test_a_full_disk_costs_no_redirect_and_is_told(
    whole_stack: Stack, codes: list[str]
) -> None:
    """Each click that is not kept is counted, readiness names the spool; with room all is well."""
    try:
        async with no_file_grows(whole_stack):
            await visit(whole_stack, codes[0])
            shed = await figure(whole_stack, NAME, "qck_clicks_shed_total", reason="write_error")
            state = await readiness(whole_stack)
        assert shed == VISITS
        assert (state["status"], state["checks"]["spool"]["status"]) == ("degraded", "down")
        ids = await visit(whole_stack, codes[1])
        stored = await wait_until_stored(whole_stack.urls.database_url, ids)
        assert sorted(stored) == sorted(ids)
    finally:  # who has shed says so for a minute, and other tests want everybody well
        await asyncio.to_thread(whole_stack.restart_program, NAME)
