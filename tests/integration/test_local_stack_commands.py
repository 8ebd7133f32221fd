"""The commands behind `make run`, `start`, `stop` and the rest, as a person types them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from local_stack.ports import choose_ports
from local_stack.processes import remnants
from local_stack.stack import Stack
from local_stack.terminal import SilentReport
from tests.support.stack import started_stack

REDIS_ALONE = """\
import sys
from local_stack import __main__, commands
commands.ALL = ("redis",)
sys.exit(__main__.main())
"""
"""The commands of a stack that is up and down in a second, where its programs do not matter."""


class Shell:
    """A shell in which the commands work on a stack and a .env of this test."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.env_file = folder / ".env"
        ports = choose_ports(["PUBLIC_PORT", "API_PORT"], wanted={})
        self.ports = {name: str(port) for name, port in ports.items()}

    def start(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
        program: Sequence[str] = ("-m", "local_stack"),
    ) -> subprocess.Popen[str]:
        """Begin a command."""
        options = ["--home", str(self.home), "--env-file", str(self.env_file)]
        return subprocess.Popen(
            [*wrapper, sys.executable, "-P", *program, *options, *arguments],
            env={**os.environ, **self.ports, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(
        self, *arguments: str, input: str = "", environment: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Run a command to its end; return its exit status and all that it printed."""
        with self.start(*arguments, environment=environment) as command:
            output, _ = command.communicate(input, timeout=120)
        return command.returncode, output


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """Yield a shell, and leave nothing running."""
    shell = Shell(tmp_path)
    yield shell
    shell.run("stop")


def test_background(shell: Shell) -> None:
    """Start, look, start again, ask the database, stop, stop again."""
    status, output = shell.run("start", "--with", "prometheus")
    assert status == 0, output
    assert "\nmetrics  http://127.0.0.1:" in output
    assert f"public   http://127.0.0.1:{shell.ports['PUBLIC_PORT']}" in output
    assert "curl -s -X POST" in output
    assert shell.env_file.stat().st_mode & 0o077 == 0

    status, output = shell.run("status")
    assert (status, output.count(" running ")) == (0, 10), output
    for dependency in ("redis", "postgres", "rabbitmq", "spool", "partitions"):
        assert f"\n  {dependency} " in output
    assert "of 7 used (0%), 0 waiting, breaker closed" in output
    assert "0 clicks wait" in output

    status, output = shell.run("start")
    assert status == 0
    assert "already running, since" in output
    status, output = shell.run("run")
    assert status == 0
    assert "already running, since" in output

    status, output = shell.run("psql", "--", "-At", input="SELECT current_database();\n")
    assert (status, output) == (0, "qck\n")
    status, output = shell.run("exec", "shortener", "--", "sh", "-c", "echo $INSTANCE")
    assert (status, output) == (0, "shortener\n")
    status, output = shell.run("migrate")
    assert status == 0, output

    running = Stack.running_in(shell.home)
    assert running is not None
    running.stop_program("redis")
    status, output = shell.run("status")
    assert status == 1
    assert "stopped" in output

    status, output = shell.run("stop")
    assert status == 0
    assert remnants(shell.home) == []
    status, output = shell.run("stop")
    assert (status, output) == (0, "The stack is not running.\n")
    status, _ = shell.run("status")
    assert status == 1


def test_foreground_ends_with_ctrl_c(shell: Shell) -> None:
    """It shows the logs until then, and takes everything down."""
    with shell.start("run") as command:
        assert command.stdout is not None
        lines = iter(command.stdout)
        assert any("Ctrl-C stops everything" in line for line in lines)
        command.send_signal(signal.SIGINT)
        assert any("The stack has stopped." in line for line in lines)
    assert command.returncode == 0
    assert remnants(shell.home) == []


@pytest.mark.parametrize("is_killed", [True, False])
def test_foreground_ends_with_supervisord(shell: Shell, is_killed: bool) -> None:
    """By `make stop` that is well; that it was killed, as for want of memory, is a failure."""
    with shell.start("run", program=("-c", REDIS_ALONE)) as command:
        assert command.stdout is not None
        lines = iter(command.stdout)
        assert any("Ctrl-C stops everything" in line for line in lines)
        running = Stack.running_in(shell.home)
        assert running is not None
        if is_killed:
            os.kill(running.supervisor_pid(), signal.SIGKILL)
        else:
            running.stop()
        rest = list(lines)
    assert any("supervisord was killed" in line for line in rest) is is_killed
    assert command.returncode == (1 if is_killed else 0)
    assert remnants(shell.home) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_twice_while_it_starts(shell: Shell, number: signal.Signals) -> None:
    """The second time does not wait for a good order; nothing is left all the same."""
    with shell.start("run") as command:
        assert command.stdout is not None
        lines = iter(command.stdout)
        assert any("epmd" in line for line in lines)
        command.send_signal(number)
        assert any("stopping" in line for line in lines)
        command.send_signal(number)
        rest = list(lines)
    assert command.returncode == 130, rest
    assert not any("Traceback" in line for line in rest)
    assert remnants(shell.home) == []


def test_start_during_another_one(shell: Shell) -> None:
    """It waits for that one's end, since what is not ready yet is no running stack."""
    with started_stack(shell.home, ["redis"]) as stack:
        with stack.home.starting(SilentReport()):
            command = shell.start("start")
            assert command.stdout is not None
            assert command.stdout.readline() == f"waiting for another start in {shell.home}\n"
        output, _ = command.communicate(timeout=120)
    assert command.returncode == 0
    assert "already running, since" in output


def test_full_disk(shell: Shell) -> None:
    """A file that cannot be written is named, without a traceback, and no part of it stays."""
    limited = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh"]
    with shell.start("env", wrapper=limited) as command:
        output, _ = command.communicate(timeout=120)
    assert (command.returncode, output) == (1, f"{shell.env_file}: File too large\n")
    assert list(shell.env_file.parent.iterdir()) == []


def test_wrong_settings(shell: Shell) -> None:
    """All of them in plain words, and nothing is started."""
    status, output = shell.run("start", environment={"PUBLIC_PORT": "abc", "API_PORT": "0"})
    assert status == 1
    assert "PUBLIC_PORT is 'abc'" in output
    assert "API_PORT is '0'" in output
    assert "Traceback" not in output
    assert not shell.home.exists()


@pytest.mark.parametrize("command", [["logs"], ["psql"], ["migrate"], ["exec", "redis", "true"]])
def test_commands_that_need_a_running_stack(shell: Shell, command: list[str]) -> None:
    """They say so, with what to do."""
    status, output = shell.run(*command)
    assert status == 1
    assert "The stack is not running: make start, or make run." in output
