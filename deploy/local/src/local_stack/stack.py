"""The stack as an object: start it, hurt it, ask where things are, stop it."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP
from types import TracebackType
from typing import Any

from local_stack import ports, processes, readiness, services, startup, waiting
from local_stack.errors import AlreadyRunningError, StackError
from local_stack.home import Home, RunRecord
from local_stack.program import Program
from local_stack.programs import ALL, PRIVATE_PORTS, SERVICES, choose, describe
from local_stack.supervision import ProgramState, Supervisor
from local_stack.terminal import Report, SilentReport
from local_stack.urls import Urls, create_urls

KILL_ROUNDS = 5
"""Times that everything of a home is killed, each time with what was born meanwhile."""


class Stack:
    """Real servers and qck's services under one supervisord, all private to one folder.

    `with stack:` starts and stops it. Whatever is killed is started again within about a second.
    Two stacks never meet: each has its own ports, data and processes. When this process dies,
    even by SIGKILL, the stack stops too, unless `tied_to_parent` is off.
    """

    def __init__(
        self,
        *,
        home: Path,
        public_port: int,
        api_port: int,
        environment: Mapping[str, str],
        programs: Iterable[str] = ALL,
        report: Report | None = None,
        tied_to_parent: bool = True,
    ) -> None:
        self.home = Home(home)
        self.public_port = public_port
        self.api_port = api_port
        self.programs = choose(programs)
        self.started_at = ""
        self._environment = dict(environment)
        self._report = report or SilentReport()
        self._tied_to_parent = tied_to_parent
        self._ports: dict[str, int] = {}
        self._described: dict[str, Program] = {}
        self._supervisor = Supervisor(self.home)

    @classmethod
    def running_in(cls, home: Path, *, report: Report | None = None) -> "Stack | None":
        """Return the stack that runs in `home`, whoever started it, or None."""
        if not (home / "run").is_dir():
            return None
        record = Home(home).read_record()
        if record is None or not Supervisor(Home(home)).is_running():
            return None
        stack = cls(
            home=home,
            public_port=record.public_port,
            api_port=record.api_port,
            environment=record.environment,
            programs=record.programs,
            report=report,
        )
        stack.started_at = record.started_at
        stack._describe(record.ports)
        return stack

    def __enter__(self) -> "Stack":
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    # The whole stack.

    def start(self) -> None:
        """Bring everything up and return when all of it is ready.

        Raises:
            AlreadyRunningError: a stack runs in this home.
            StackError: a port is taken, or a program does not come up; nothing is left running.
        """
        self.home.create()
        with self.home.starting(self._report):
            if self._supervisor.is_running():
                raise AlreadyRunningError(f"a stack is running in {self.home.path} already")
            self._end_remnants()
            if "nginx" in self.programs:
                ports.require_free({"PUBLIC_PORT": self.public_port, "API_PORT": self.api_port})
            private = ports.choose_ports(
                PRIVATE_PORTS,
                wanted=self.home.read_ports(),
                avoid={self.public_port, self.api_port},
            )
            self.home.write_ports(private)
            self._describe(private)
            startup.write_files(self.home, self._described.values())
            # Before anything runs: whoever finds a supervisord finds its own record.
            self._record()
            try:
                self._supervisor.start(
                    list(self._described.values()), tied_to_parent=self._tied_to_parent
                )
                startup.bring_up(
                    self._described,
                    supervisor=self._supervisor,
                    home=self.home,
                    settings=self._environment,
                    report=self._report,
                )
            except BaseException:
                try:
                    self._report.say("stopping what has been started")
                    self.stop()
                except KeyboardInterrupt:
                    self.kill_all()
                raise

    def stop(self) -> None:
        """Stop everything in good order, and leave no process behind."""
        # It may be stopped by somebody else at the same time; what remains is ended below.
        with suppress(StackError):
            if self._supervisor.is_running():
                for state in self.states().values():
                    if state.pid:
                        self.thaw(state.name)
                startup.take_down(self.programs, supervisor=self._supervisor, report=self._report)
        self._end_remnants()

    def kill_all(self) -> None:
        """End every process of this home at once. The stores recover at their next start."""
        self._supervisor.kill()
        # More than once: what is killed may just have had children, as nginx has its workers.
        for _ in range(KILL_ROUNDS):
            if left := processes.remnants(self.home.path):
                processes.end(left, within_s=0)

    # One program.

    def kill(self, name: str, signal: int = SIGKILL) -> None:
        """Send a signal to a program's process; it is started again when it ends.

        Returns when it has gone with all that it had started, if the signal was SIGKILL.
        """
        pid = self.pid(name)
        members = processes.tree(pid)
        processes.send(pid, signal)
        if signal == SIGKILL:
            processes.wait_gone(members, within_s=5)

    def freeze(self, name: str) -> None:
        """Stop the clock for a program and everything that it has started."""
        pid = self.pid(name)
        # A second look, for what was born between the first look and the parent's signal.
        for _ in range(2):
            for member in processes.tree(pid):
                processes.send(member, SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let a frozen program go on."""
        for member in processes.tree(self.pid(name)):
            processes.send(member, SIGCONT)

    def stop_program(self, name: str) -> None:
        """Stop a program gracefully and keep it stopped."""
        if self.states()[name].is_running:
            self.thaw(name)
        self._supervisor.stop_program(name)
        waiting.until_stopped(
            [name], supervisor=self._supervisor, within_s=startup.STOPPED_WITHIN_S
        )

    def start_program(self, name: str) -> None:
        """Start a program that was stopped; `wait_ready` tells when it answers."""
        self._supervisor.start_program(name)

    def restart_program(self, name: str) -> None:
        """Stop a program gracefully and start it; `wait_ready` tells when it answers."""
        self.stop_program(name)
        self.start_program(name)

    def wait_ready(self, name: str, timeout_s: float = 30) -> None:
        """Wait until a program answers.

        Raises:
            NotReadyError: it does not within `timeout_s`; with the end of its log.
        """
        waiting.until_ready(
            {name: self._described[name]},
            supervisor=self._supervisor,
            home=self.home,
            within_s=timeout_s,
        )

    # What there is to know.

    def is_running(self) -> bool:
        """Tell whether the stack has been started and not stopped."""
        return self._supervisor.is_running()

    def was_killed(self) -> bool:
        """Tell whether supervisord has ended without having been asked to."""
        return self._supervisor.was_killed()

    def supervisor_pid(self) -> int:
        """Return the pid of the supervisord above all programs."""
        return self._supervisor.pid()

    def states(self) -> dict[str, ProgramState]:
        """Return what supervisord knows about each program."""
        return self._supervisor.states()

    def probe(self, name: str) -> str:
        """Return "ok" or "degraded".

        Raises:
            OSError: the program does not answer, or says that it is not ready.
        """
        return self._described[name].probe()

    def health(self, name: str) -> dict[str, Any]:
        """Return the checks of one of our services: each dependency with its state.

        Raises:
            OSError: it does not answer.
        """
        _, health = readiness.service_health(self.port(name))
        checks = health.get("checks", {})
        return dict(checks)

    def pid(self, name: str) -> int:
        """Return the pid of a program's process.

        Raises:
            StackError: it has none at the moment.
        """
        state = self.states()[name]
        if not state.pid:
            raise StackError(f"{name} is {state.state.lower()}")
        return state.pid

    def port(self, name: str) -> int:
        """Return the port on which a program listens; nginx's is the public one."""
        return self._ports[name]

    @property
    def urls(self) -> Urls:
        """Where the doors are."""
        return create_urls(self._ports, self._environment)

    def service_environment(self, name: str) -> dict[str, str]:
        """Return the settings with which `name` runs, to run or test it by hand.

        A service need not be among the programs of this stack.
        """
        if name in SERVICES:
            return services.environment(
                name, home=self.home, ports=self._ports, settings=self._environment
            )
        return dict(self._described[name].environment)

    def _describe(self, private: Mapping[str, int]) -> None:
        self._ports = {**private, "nginx": self.public_port, "api": self.api_port}
        self._described = describe(
            self.programs, home=self.home, ports=self._ports, settings=self._environment
        )

    def _record(self) -> None:
        self.started_at = datetime.now().astimezone().isoformat(" ", timespec="seconds")
        self.home.write_record(
            RunRecord(
                started_at=self.started_at,
                public_port=self.public_port,
                api_port=self.api_port,
                programs=list(self.programs),
                ports=self._ports,
                environment=self._environment,
            )
        )

    def _end_remnants(self) -> None:
        """End what a run that was killed has left behind in this home."""
        if left := processes.remnants(self.home.path):
            processes.end(left, within_s=10)
        self._supervisor.reap()
