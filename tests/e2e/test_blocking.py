"""Blocking by the operators' command, as visitors see it."""

import asyncio
import os
import sys

import httpx2

from local_stack.stack import Stack


async def blocking(stack: Stack, *words: str) -> str:
    """Run the command as `make block` does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "shortener.block_command", *words,
        env={**os.environ, **stack.service_environment("shortener")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_a_blocked_link_is_down_for_visitors_and_comes_back(
    stack: Stack, api: httpx2.AsyncClient, visitor: httpx2.AsyncClient
) -> None:
    """When the command returns, a cached link is down everywhere; unblocked, it redirects."""
    answer = await api.post("/short-urls", json={"longUrl": "https://login.evil.test/"})
    code = answer.json()["shortCode"]
    assert (await visitor.get(f"/{code}")).status_code == 302
    assert "that are down: 1" in await blocking(stack, "block", "evil.test", "phishing")
    for _ in range(4):  # both replicas
        page = await visitor.get(f"/{code}")
        assert page.status_code == 410
        assert page.headers["x-content-type-options"] == "nosniff"
    refused = await api.post("/short-urls", json={"longUrl": "https://evil.test/"})
    assert "phishing" in refused.json()["reasons"]["longUrl"]
    assert "that are down: 0" in await blocking(stack, "unblock", "evil.test")
    assert (await visitor.get(f"/{code}")).status_code == 302


async def test_a_redirect_of_a_domain_to_a_blocked_domain_is_down_for_visitors(
    stack: Stack, api: httpx2.AsyncClient, visitor: httpx2.AsyncClient
) -> None:
    """They are told that nothing is there, at both replicas; unblocked, it leads them on again."""
    other = {"host": "of-others.test"}

    async def until_all(status: int) -> None:
        async with asyncio.timeout(10):
            while {(await visitor.get("/", headers=other)).status_code for _ in range(4)} != {
                status
            }:
                await asyncio.sleep(0.05)

    body = {"domain": "of-others.test", "baseUrlRedirect": "https://evil.test/{DOMAIN}"}
    assert (await api.patch("/domains/redirects", json=body)).status_code == 200
    await until_all(302)
    await blocking(stack, "block", "evil.test")
    await until_all(404)
    await blocking(stack, "unblock", "evil.test")
    await until_all(302)
