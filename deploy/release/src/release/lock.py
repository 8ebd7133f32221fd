"""One deploy at a time on a host: a container that lives exactly as long as this process.

Docker lets only one container have its name, and it ends when its standard input does, so also
when this process is killed: nobody ever has to remove a lock.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from release.docker import Docker
from release.errors import CommandError, ReleaseError

_WAIT_S = 5.0
"""How long the container of a killed process may take to end."""


@contextmanager
def deploying(docker: Docker, image: str) -> Iterator[None]:
    """Hold the host for the time of the block.

    Raises:
        ReleaseError: somebody else does.
    """
    deadline = time.monotonic() + _WAIT_S
    while (holder := _try_hold(docker, image)) is None:
        if time.monotonic() > deadline:
            raise ReleaseError("somebody else is deploying to this host: wait until they are done")
        time.sleep(0.5)
    try:
        yield
    finally:
        holder.communicate()


def _try_hold(docker: Docker, image: str) -> "subprocess.Popen[bytes] | None":
    holder = docker.start(
        "run", "--rm", "-i", "--name", f"{docker.project}-deploying",
        "--network", "none", "--user", "65534", "--entrypoint", "sh", image,
        "-c", "echo held; exec cat",
    )  # fmt: skip
    if holder.stdout is not None and holder.stdout.readline() == b"held\n":
        return holder
    said = holder.communicate()[1].decode(errors="replace")
    if "is already in use" in said:
        return None
    raise CommandError(f"the host cannot be held: {said.strip()}")
