"""Shlink's JavaScript SDK, as it is in its registry, in a temporary folder."""

import os
import shutil
import subprocess
from pathlib import Path

from local_stack.stack import Stack

FILES = Path(__file__).with_name("javascript")


def test_the_sdk_finds_what_it_expects(stack: Stack, tmp_path: Path) -> None:
    """Its calls for short URLs, tags and domains, and their errors, by both of its clients."""
    folder = tmp_path / "sdk"
    shutil.copytree(FILES, folder)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit"], cwd=folder, check=True)
    environment = {
        "PATH": os.environ["PATH"],
        "API_URL": stack.urls.api_url,
        "API_KEY": stack.urls.api_key,
    }
    done = subprocess.run(
        ["node", "exercise.mjs"],
        cwd=folder,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
