"""nginx's log of visitors' requests."""

import asyncio

import httpx2

from local_stack.stack import Stack
from tests.e2e.test_first_link import create

DEADLINE_S = 20


async def test_a_plain_redirect_is_a_click_and_no_line_of_the_log(
    stack: Stack, api: httpx2.AsyncClient, visitor: httpx2.AsyncClient
) -> None:
    """The log has what was not redirected; what was is among the clicks, under the same id."""
    code = (await create(api))["shortCode"]
    redirected = await visitor.get(f"/{code}")
    unknown = await visitor.get(f"/{code}-unknown")
    assert (redirected.status_code, unknown.status_code) == (302, 404)
    log = stack.home.log("nginx-access")
    async with asyncio.timeout(DEADLINE_S):
        while unknown.headers["x-request-id"] not in log.read_text(errors="replace"):
            await asyncio.sleep(0.05)
    assert redirected.headers["x-request-id"] not in log.read_text(errors="replace")
