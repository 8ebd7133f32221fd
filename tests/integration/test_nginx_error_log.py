"""nginx's error log: of nginx everything, of visitors and their requests nothing."""

import os
import signal
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from local_stack.ports import LOOPBACK
from local_stack.stack import Stack
from tests.support.stack import nginx_workers, started_stack

SECRET = "d41d8cd98f00b204"
LARGE = b"x" * 200_000


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield nginx alone: everything behind it is dead."""
    with started_stack(tmp_path_factory.mktemp("stack"), ("nginx",)) as stack:
        yield stack


def test_no_request_is_in_it(stack: Stack) -> None:
    """Not of a dead upstream, not of a body on disk, not of a disk that takes none."""
    for port in (stack.public_port, stack.api_port):
        assert _status(port, "GET") == 503
    assert _status(stack.api_port, "POST") == 503
    folder = stack.home.folder("nginx") / "client_body"
    away = folder.rename(folder.with_name("away"))
    try:
        assert _status(stack.api_port, "POST") == 500
    finally:
        away.rename(folder)
    log = _log_until_a_worker_died(stack)
    assert SECRET not in log
    assert LOOPBACK not in log


def test_a_dead_upstream_is_in_the_access_log(stack: Stack) -> None:
    """Which one did not answer, with what status nginx counted it, and no query."""
    _status(stack.api_port, "GET")
    log = stack.home.log("nginx-access")
    text = _text_with(log, f'"upstream":"{LOOPBACK}:{stack.port("shortener")}"')
    assert '"upstream_status":"502"' in text
    assert SECRET not in text


def _status(port: int, method: str) -> int:
    connection = HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        body = LARGE if method == "POST" else None
        connection.request(method, f"/rest/v3/short-urls/shorten?apiKey={SECRET}", body)
        return connection.getresponse().status
    finally:
        connection.close()


def _log_until_a_worker_died(stack: Stack) -> str:
    """Have nginx say something of itself: what it has said before that is then in the file too."""
    worker = nginx_workers(stack)[0]
    os.kill(worker, signal.SIGKILL)
    return _text_with(stack.home.log("nginx"), f"worker process {worker} exited on signal 9")


def _text_with(log: Path, awaited: str) -> str:
    deadline = time.monotonic() + 20
    while awaited not in (text := log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert awaited in text
    return text
