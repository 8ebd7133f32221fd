"""Starting, killing and stopping stacks of real servers, without a process left behind."""

import errno
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_stack.environment import fresh_secrets
from local_stack.errors import AlreadyRunningError, NotReadyError, StackError
from local_stack.home import Home
from local_stack.ports import choose_ports
from local_stack.processes import is_alive, remnants, wait_gone
from local_stack.stack import Stack
from local_stack.supervision import Supervisor
from local_stack.terminal import SilentReport
from tests.support.stack import a_stack, started_stack


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """Yield a stack with Redis alone, which starts in no time."""
    with started_stack(tmp_path / "home", ["redis"]) as stack:
        yield stack


def test_start_twice_in_a_row(tmp_path: Path) -> None:
    """The second start finds the first one's data and ports, and takes new passwords."""
    stack = a_stack(tmp_path, ["postgres", "redis"])
    with stack:
        first = {name: stack.port(name) for name in ("postgres", "redis")}
    again = a_stack(tmp_path, ["postgres", "redis"], fresh_secrets())
    with again:
        assert {name: again.port(name) for name in ("postgres", "redis")} == first
        assert _psql(again, "SELECT current_user") == "qck"


def test_interrupted_first_start_is_made_good(tmp_path: Path) -> None:
    """A half-made data folder does not count as one."""
    home = Home(tmp_path / "home")
    home.create()
    (home.folder("postgres") / "data.draft").mkdir()
    with started_stack(home.path, ["postgres"]) as stack:
        assert _psql(stack, "SHOW fsync") == "on"
        assert _psql(stack, "SHOW jit") == "off"
        assert _psql(stack, "SHOW max_connections") == "100"


def test_stop_leaves_no_process(stack: Stack) -> None:
    """Nothing of this home is left, supervisord neither."""
    assert remnants(stack.home.path)
    stack.stop()
    assert remnants(stack.home.path) == []
    assert not stack.is_running()


def test_stop_twice(stack: Stack) -> None:
    """Stopping what is stopped is no error."""
    stack.stop()
    stack.stop()


def test_second_start_in_one_home(stack: Stack) -> None:
    """It is refused, and the running one is not disturbed."""
    before = stack.pid("redis")
    with pytest.raises(AlreadyRunningError):
        a_stack(stack.home.path, ["redis"]).start()
    assert stack.pid("redis") == before


def test_interrupted_while_another_one_starts(tmp_path: Path) -> None:
    """Whoever waits for another start and gives up does not disturb it."""
    with started_stack(tmp_path / "home", ["redis"]) as stack, stack.home.starting(SilentReport()):
        before = stack.pid("redis")
        options = ["--home", str(stack.home.path), "--env-file", str(tmp_path / ".env")]
        # As if the other one had begun a moment later: past the first wait, and not the second.
        script = (
            "import sys; from local_stack.__main__ import main\n"
            "from local_stack.home import Home\n"
            "Home.wait_for_start = lambda *_: None\n"
            "from local_stack.stack import Stack; Stack.running_in = lambda *_, **__: None\n"
            "sys.exit(main())"
        )
        doors = choose_ports(["PUBLIC_PORT", "API_PORT"], wanted={})
        with subprocess.Popen(
            [sys.executable, "-P", "-c", script, *options, "start"],
            env={**os.environ, **{name: str(port) for name, port in doors.items()}},
            stdout=subprocess.PIPE,
            text=True,
        ) as other:
            assert other.stdout is not None
            assert any("waiting for another start" in line for line in other.stdout)
            other.send_signal(signal.SIGINT)
            other.stdout.read()
        assert other.returncode == 130
        assert stack.pid("redis") == before


def test_running_stack_is_found(stack: Stack) -> None:
    """Another command sees the same stack by its folder alone."""
    found = Stack.running_in(stack.home.path)
    assert found is not None
    assert found.urls == stack.urls
    assert found.pid("redis") == stack.pid("redis")


def test_home_of_another_user(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told whose it is, to root as well, who would leave files that the owner cannot use."""
    owner = pwd.getpwuid(os.geteuid()).pw_name
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    with pytest.raises(StackError, match=f"belongs to {owner}: start the stack as {owner}"):
        a_stack(stack.home.path, ["redis"]).start()


def test_private_record_of_another_user(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may not look into a stack is told whose it is."""
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    monkeypatch.setattr(Path, "read_text", _forbidden)
    with pytest.raises(StackError, match="belongs to"):
        Stack.running_in(stack.home.path)


def test_record_is_there_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody finds a new supervisord with the ports of the run before."""
    with started_stack(tmp_path, ["redis"]):
        pass
    stack = a_stack(tmp_path, ["redis"])
    found = []
    start = Supervisor.start

    def look_and_start(*arguments: Any, **options: Any) -> None:
        found.append(stack.home.read_record())
        start(*arguments, **options)

    monkeypatch.setattr(Supervisor, "start", look_and_start)
    with stack:
        (record,) = found
        assert record is not None
        assert record.public_port == stack.public_port


def test_stopped_stack_is_not_found(tmp_path: Path) -> None:
    """A folder without a stack, or with a stopped one, has none running."""
    assert Stack.running_in(tmp_path) is None
    with started_stack(tmp_path, ["redis"]):
        pass
    assert Stack.running_in(tmp_path) is None


def test_killed_supervisor_takes_its_programs_along(tmp_path: Path) -> None:
    """Nothing runs on without it, and the next start works on what was left lying about."""
    stack = a_stack(tmp_path, ["postgres", "redis"])
    stack.start()
    try:
        pids = [stack.supervisor_pid(), stack.pid("postgres"), stack.pid("redis")]
        os.kill(stack.supervisor_pid(), signal.SIGKILL)
        assert wait_gone(pids[1:], within_s=10)
        with stack:
            assert stack.pid("redis") not in pids
    finally:
        stack.stop()


def test_lock_of_a_dead_postgres_whose_number_another_one_has(tmp_path: Path) -> None:
    """As after a restart of the machine, where numbers begin anew: the lock holds nobody up."""
    stack = a_stack(tmp_path / "home", ["postgres"])
    with stack:
        pass
    with started_stack(tmp_path / "other", ["postgres"]) as other:
        lock = stack.home.folder("postgres") / "data/postmaster.pid"
        lock.write_text(f"{other.pid('postgres')}\n")
        with stack:
            assert _psql(stack, "SELECT current_user") == "qck"


def test_remnants_of_a_killed_run_are_ended(stack: Stack) -> None:
    """Also a frozen one that could not follow its supervisord."""
    frozen = stack.pid("redis")
    stack.freeze("redis")
    os.kill(stack.supervisor_pid(), signal.SIGKILL)
    stack.start()
    assert not is_alive(frozen)
    assert stack.pid("redis") != frozen


def test_stack_follows_the_process_that_started_it(tmp_path: Path) -> None:
    """A test run that is killed leaves no servers behind."""
    script = (
        "import sys, pathlib; from tests.support.stack import a_stack\n"
        "stack = a_stack(pathlib.Path(sys.argv[1]), ['redis']); stack.start()\n"
        "print(stack.supervisor_pid(), stack.pid('redis'), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        pids = [int(pid) for pid in starter.stdout.readline().split()]
        starter.kill()
        assert len(pids) == 2
        assert wait_gone(pids, within_s=10)


def test_taken_port_is_named(tmp_path: Path) -> None:
    """Nothing is started when a door is somebody else's."""
    stack = a_stack(tmp_path, ["nginx"])
    server = socket.create_server(("127.0.0.1", stack.api_port))
    with server, pytest.raises(StackError) as raised:
        stack.start()
    assert f"port {stack.api_port} is taken by pid {os.getpid()}" in str(raised.value)
    assert "API_PORT" in str(raised.value)
    assert remnants(tmp_path) == []


def test_two_stacks_side_by_side(stack: Stack, tmp_path: Path) -> None:
    """They share no port, and stopping one leaves the other alone."""
    before = stack.pid("redis")
    with started_stack(tmp_path / "other", ["redis"]) as other:
        assert other.port("redis") != stack.port("redis")
    assert stack.pid("redis") == before
    stack.wait_ready("redis")


def test_deep_folder(tmp_path: Path) -> None:
    """A path longer than a socket's may be is no obstacle."""
    deep = tmp_path.joinpath(*["a-rather-long-folder-name"] * 6)
    with started_stack(deep, ["redis"]) as stack:
        assert len(str(stack.home.path)) > 150
        assert stack.probe("redis") == "ok"


def test_program_that_keeps_dying_is_explained(tmp_path: Path) -> None:
    """With its name and the end of its log, and everything else stopped."""
    home = Home(tmp_path / "home")
    home.create()
    (home.folder("redis") / "dump.rdb").write_bytes(b"not a dump")
    stack = a_stack(home.path, ["redis"])
    with pytest.raises(NotReadyError, match=r"(?s)redis keeps dying.*Wrong signature"):
        stack.start()
    assert remnants(home.path) == []


def test_only_one_that_works_there_belongs_to_a_home(stack: Stack) -> None:
    """A shell that somebody opened in the folder is not ended with the stack."""
    with subprocess.Popen(["sleep", "60"], cwd=stack.home.path) as shell:
        stack.stop()
        assert shell.poll() is None
        shell.kill()


def test_files_are_private(stack: Stack) -> None:
    """Nobody else can read passwords out of a stack's folder."""
    folders = [path for path in stack.home.path.iterdir() if path.is_dir()]
    assert folders
    assert all(path.stat().st_mode & 0o077 == 0 for path in folders)


def _forbidden(*_: object, **__: object) -> str:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _psql(stack: Stack, statement: str) -> str:
    address = stack.urls.database_url
    done = subprocess.run(
        ["psql", "-XAtc", statement, address], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
