"""The Python library for Shlink, as it is in its registry: fetched into a temporary folder."""

import asyncio
import json
import os
import sys
from pathlib import Path

import httpx2

from local_stack.stack import Stack
from tests.support.short_urls import create

FILES = Path(__file__).with_name("python")
PIP = ("-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes")


async def test_the_library_reads_short_urls(
    stack: Stack, api: httpx2.AsyncClient, tmp_path: Path
) -> None:
    """The list and each short URL, with all that they have."""
    made = [await create(api, customSlug=f"python-{number}") for number in range(3)]
    packages = tmp_path / "packages"
    await _run(*PIP, "--target", packages, "-r", FILES / "requirements.txt")
    environment = {
        "PYTHONPATH": str(packages),
        "API_URL": stack.urls.api_url,
        "API_KEY": stack.urls.api_key,
    }
    read = json.loads(await _run(FILES / "exercise.py", **environment))
    assert all(short_url in read for short_url in made)


async def _run(*arguments: str | Path, **environment: str) -> bytes:
    """Run Python, which must succeed, and return its output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output
