"""Talking to the stack's own supervisord, over a socket that only this home's owner can open."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_stack import processes, supervisor_config, users
from local_stack.errors import StackError
from local_stack.home import HOME_MARKER, Home, write_private
from local_stack.program import Program

CALL_TIMEOUT_S = 10.0
_STOPPED = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})


@dataclass(frozen=True, slots=True)
class ProgramState:
    """What supervisord knows about a program."""

    name: str
    state: str
    pid: int
    started: float

    @property
    def is_running(self) -> bool:
        """Whether there is a process."""
        return self.state == "RUNNING" and self.pid != 0

    @property
    def is_stopped(self) -> bool:
        """Whether there is none, and none is on its way."""
        return self.state in _STOPPED


class Supervisor:
    """One supervisord, in a session of its own, so that no key of a terminal reaches it."""

    __slots__ = ("_home", "_process")

    def __init__(self, home: Home) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, programs: Sequence[Program], *, tied_to_parent: bool) -> None:
        """Start supervisord with none of its programs running.

        Tied to its parent it stops everything when this process dies, however that dies.

        Raises:
            StackError: it does not answer in time.
        """
        configuration = self._home.folder("run") / "supervisord.conf"
        text = supervisor_config.render(programs, as_root=users.is_root())
        write_private(configuration, text)
        command = [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", str(configuration)]
        if tied_to_parent:
            command = ["setpriv", "--pdeathsig=TERM", "--", *command]
        with self._home.log("supervisord-output").open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=self._home.path,
                env=_environment(self._home),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + 20
        while not self.is_running():
            if self._process.poll() is not None or time.monotonic() > deadline:
                message = self._home.log("supervisord-output").read_text().strip()
                raise StackError(f"supervisord did not start:\n{message}")
            time.sleep(0.02)

    def is_running(self) -> bool:
        """Tell whether a supervisord of this home answers."""
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except StackError:
            return False

    def states(self) -> dict[str, ProgramState]:
        """Return the state of each program by its name."""
        return {
            info["name"]: ProgramState(
                name=info["name"], state=info["statename"], pid=info["pid"], started=info["start"]
            )
            for info in self._call("getAllProcessInfo")
        }

    def start_program(self, name: str) -> None:
        """Start a program, or leave it be if it runs."""
        self._tolerate("ALREADY_STARTED", "startProcess", name, False)

    def stop_program(self, name: str) -> None:
        """Ask a program to stop; supervisord kills it if it does not within its time."""
        self._tolerate("NOT_RUNNING", "stopProcess", name, False)

    def shut_down(self, *, within_s: float) -> None:
        """End supervisord, with what may be left of its programs; kill it if it lingers."""
        pid = self._call("getPID")
        self._call("shutdown")
        self._wait_gone(pid, within_s)

    def kill(self) -> None:
        """End supervisord at once; its programs follow, because they are tied to it."""
        for process in processes.remnants(self._home.path):
            if process.pid == self._recorded_pid():
                processes.send(process.pid, signal.SIGKILL)
                self._wait_gone(process.pid, 5)

    def pid(self) -> int:
        """Return the pid of supervisord itself."""
        return int(self._call("getPID"))

    def was_killed(self) -> bool:
        """Tell whether supervisord has ended without having been asked to."""
        # It takes its number along when it goes by itself.
        return bool(self._recorded_pid()) and not processes.is_alive(self._recorded_pid())

    def reap(self) -> None:
        """Take note that supervisord has ended, if it was this process that had started it."""
        if self._process is not None:
            self._process.wait()
            self._process = None

    def _wait_gone(self, pid: int, within_s: float) -> None:
        if not processes.wait_gone([pid], within_s=within_s):
            processes.send(pid, signal.SIGKILL)
        self.reap()

    def _recorded_pid(self) -> int:
        try:
            return int((self._home.folder("run") / "supervisord.pid").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def _tolerate(self, fault: str, method: str, *arguments: object) -> None:
        try:
            self._call(method, *arguments)
        except xmlrpc.client.Fault as error:
            if not error.faultString.startswith(fault):
                raise

    def _call(self, method: str, *arguments: object) -> Any:
        try:
            folder = os.open(self._home.path, os.O_RDONLY)
        except OSError as error:
            raise StackError(f"there is no stack in {self._home.path}") from error
        transport = _UnixTransport(f"/proc/self/fd/{folder}/{supervisor_config.SOCKET}")
        try:
            with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
                return getattr(proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as error:
            if error.faultString.startswith("SHUTDOWN_STATE"):
                raise StackError("the stack is being stopped") from error
            raise
        except (OSError, http.client.HTTPException) as error:
            raise StackError(f"supervisord does not answer: {error!r}") from error
        finally:
            os.close(folder)


class _UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = _UnixConnection(self._path)
        # Where the base class looks for what it has to close.
        self._connection = (host, connection)
        return connection


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=CALL_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


def _environment(home: Home) -> Mapping[str, str]:
    """Return all that programs inherit: nothing of the shell in which the stack was started."""
    return {
        "PATH": os.pathsep.join(
            (os.path.dirname(sys.executable), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin")
        ),
        "HOME": os.path.expanduser("~"),
        "LANG": "C.UTF-8",
        HOME_MARKER: str(home.path),
    }
