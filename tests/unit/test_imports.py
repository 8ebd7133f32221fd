"""Importing our modules has no effect."""

import pkgutil
import subprocess
import sys

import pytest

import click_ingest
import redirector
import shared
import shortener

MODULES = sorted(
    module.name
    for package in (shared, redirector, shortener, click_ingest)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.name.endswith("__main__") and ".migrations" not in module.name
)

# No socket is opened, no thread started, no signal handler set, nothing printed.
_CHECK = """
import signal, socket, sys, threading
def refuse(*args, **kwargs):
    raise AssertionError("a socket was connected while importing")
socket.socket.connect = refuse
before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
for name in sys.argv[1:]:
    __import__(name)
assert threading.active_count() == 1, "a thread was started"
assert before == [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
"""


def test_importing_everything_without_an_environment_does_nothing() -> None:
    """All modules import in an empty environment, silently and without side effects."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", _CHECK, *MODULES],
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("module", ["redirector", "shortener", "click_ingest"])
def test_a_service_without_settings_says_all_that_is_missing(module: str) -> None:
    """A start with an empty environment names every missing variable and exits with 2."""
    result = subprocess.run(
        [sys.executable, "-m", module],
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 2
    assert "DATABASE_URL is not set" in result.stderr
    assert result.stderr.count("is not set") >= 2
    assert "Traceback" not in result.stderr
