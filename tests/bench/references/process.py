"""Running what is compared with qck: a process that ends with the block, or with this process."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from local_stack import processes, readiness
from local_stack.home import PROJECT_ROOT

READY_WITHIN_S = 20.0
ENDED_WITHIN_S = 10.0


@contextmanager
def running(
    command: Sequence[str],
    *,
    log: Path,
    port: int,
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Run a server while the block runs; return its pid once it listens on `port`.

    Raises:
        RuntimeError: it does not come up; with what it said.
    """
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
        _wait_until_listening(process, port, log)
        yield process.pid
    finally:
        members = processes.tree(process.pid)
        process.terminate()
        try:
            process.wait(ENDED_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        processes.wait_gone(members, within_s=ENDED_WITHIN_S)


def _wait_until_listening(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            readiness.accepts(port)
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace").strip()
                raise RuntimeError(f"{process.args!r} does not listen: {said}") from error
        time.sleep(0.02)
