"""A server that is no part of a stack: it ends with the block, or with this process."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_stack import processes, readiness
from local_stack.home import PROJECT_ROOT

READY_WITHIN_S = 20.0
ENDED_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Server:
    """One of them; what it says is in `log`."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def pid(self) -> int:
        """The pid of its first process."""
        return self.process.pid

    def wait_listening(self, port: int) -> None:
        """Wait until it answers.

        Raises:
            RuntimeError: it does not, or has ended; with what it said.
        """
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                readiness.accepts(port)
                return
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    said = self.log.read_text(errors="replace").strip()
                    raise RuntimeError(f"{self.process.args!r} does not listen: {said}") from error
            time.sleep(0.02)


@contextmanager
def running(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run a server while the block runs."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig=TERM", "--", *command],
            cwd=PROJECT_ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Server(process, log)
    finally:
        members = processes.tree(process.pid)
        process.terminate()
        try:
            process.wait(ENDED_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        processes.wait_gone(members, within_s=ENDED_WITHIN_S)
