"""Schemathesis against a stack of its own, with a database that has something to find."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import httpx2

from local_stack.home import PROJECT_ROOT
from local_stack.stack import Stack
from tests.fuzz.hooks import CODES, DOMAIN, PASSING_CODES, TAGS
from tests.fuzz.strict import write_strict
from tests.seed.clicks import seed_clicks
from tests.support.stack import started_stack

PROGRAMS = ("postgres", "redis", "shortener", "nginx")
CLICKS = 500
FOLDER = Path(__file__).parent


def fuzz(home: Path, *, examples: int, seed: int | None, out: IO[str]) -> int:
    """Fuzz the whole API through nginx; return 0 if nothing was found.

    Cases at the bounds of each parameter come first; `examples` random ones for each operation
    and chain of operations follow, the same ones for the same seed, and always the same for None.
    `out` gets each failure, and how to repeat it.
    """
    write_strict(home / "openapi.json")
    with started_stack(home / "stack", PROGRAMS, {"RATE_LIMIT_REQUESTS": "0"}) as stack:
        asyncio.run(_fill(stack))
        ended = subprocess.run(
            _command(home / "openapi.json", stack, examples, seed),
            env={
                **os.environ,
                "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
                "FUZZ_API_KEY": stack.urls.api_key,
            },
            cwd=PROJECT_ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return ended.returncode


def _command(document: Path, stack: Stack, examples: int, seed: int | None) -> list[str]:
    return [
        sys.executable, "-m", "schemathesis.cli",
        "--config-file", str(FOLDER / "schemathesis.toml"),
        "run", str(document),
        "--url", f"{stack.urls.api_url}/rest/v3",
        "--max-examples", str(examples),
        *(("--seed", str(seed)) if seed is not None else ("--generation-deterministic",)),
        "--continue-on-failure",
        "--warnings", "off",
        "--no-color",
    ]  # fmt: skip


async def _fill(stack: Stack) -> None:
    headers = {"X-Api-Key": stack.urls.api_key}
    links = [
        {"longUrl": "https://example.org/", "customSlug": code, "tags": TAGS, "domain": domain}
        for code in (*CODES, *PASSING_CODES)
        for domain in ("", DOMAIN)
    ]
    url = f"{stack.urls.api_url}/rest/v3/short-urls/batch"
    async with httpx2.AsyncClient(headers=headers) as client:
        (await client.post(url, json={"shortUrls": links})).raise_for_status()
    await seed_clicks(stack.urls.database_url, CLICKS, days=3)
