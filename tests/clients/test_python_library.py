"""The Python library for Shlink, as it is in its registry: fetched into a temporary folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx2

from local_stack.stack import Stack
from tests.support.short_urls import create

FILES = Path(__file__).with_name("python")
PIP = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes")


async def test_the_library_reads_short_urls(
    stack: Stack, api: httpx2.AsyncClient, tmp_path: Path
) -> None:
    """The list and each short URL, with all that they have."""
    made = [await create(api, customSlug=f"python-{number}") for number in range(3)]
    packages = str(tmp_path / "packages")
    subprocess.run([*PIP, "--target", packages, "-r", FILES / "requirements.txt"], check=True)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": packages,
        "API_URL": stack.urls.api_url,
        "API_KEY": stack.urls.api_key,
    }
    done = subprocess.run(
        [sys.executable, FILES / "exercise.py"],
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert all(short_url in read for short_url in made)
