"""How the container of Redis starts: its command, as docker-compose.yml has it, run here."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from local_stack import binaries, readiness
from local_stack.home import PROJECT_ROOT
from local_stack.install import ensure_installed
from local_stack.ports import LOOPBACK, choose_ports
from local_stack.terminal import Terminal

PASSWORD = "a-password_of-43-characters"


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    return choose_ports(["redis"], wanted={})["redis"]


@pytest.fixture
def server(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command with files and address of this machine; yield what the engine would know."""
    ensure_installed(("redis",), Terminal())
    compose = yaml.safe_load((PROJECT_ROOT / "docker-compose.yml").read_text())
    secret = tmp_path / "redis_password"
    secret.write_text(f"{PASSWORD}\n")
    here = {
        "$$": "$",
        "/etc/qck/redis.conf": str(PROJECT_ROOT / "deploy/redis/redis.conf"),
        "/run/secrets/redis_password": str(secret),
        "bind 0.0.0.0": f"bind {LOOPBACK}\nport {port}",
    }
    command = compose["services"]["redis"]["command"]
    for there, value in here.items():
        assert any(there in part for part in command)
        command = [part.replace(there, value) for part in command]
    environment = {"PATH": binaries.SEARCH_PATH}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_the_first_process_is_redis_itself(server: subprocess.Popen[bytes], port: int) -> None:
    """So it hears the signal to stop, and ends well by it; its command line has no password."""
    _wait_until_it_answers(port)
    command_line = Path(f"/proc/{server.pid}/cmdline").read_bytes()
    assert b"redis-server" in command_line
    assert PASSWORD.encode() not in command_line
    server.terminate()
    assert server.wait(60) == 0


def _wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            readiness.redis_answers(port, PASSWORD)
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
