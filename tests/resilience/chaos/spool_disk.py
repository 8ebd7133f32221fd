"""The disk of the spools, small enough to be filled: a tmpfs that only this run can see."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

OWN_MOUNTS = "--in-own-mounts"
"""Given to this program by itself, once it has a mount namespace of its own."""

MIN_SIZE_BYTES = 128 * 1024 * 1024
LINE_BYTES = 1000
BACKLOG_S = 60


def enter_own_mounts(arguments: Sequence[str]) -> None:
    """Start this program anew where its mounts end with it; return where that is not allowed."""
    if OWN_MOUNTS in arguments or os.geteuid() != 0:
        return
    private = ["unshare", "--mount", "--propagation", "private"]
    if subprocess.run([*private, "true"], capture_output=True, check=False).returncode == 0:
        program = [sys.executable, "-m", "tests.resilience.chaos", *arguments, OWN_MOUNTS]
        os.execvp(private[0], [*private, "--", *program])


class SpoolDisk:
    """A file system of its own under the spools, or none where it could not be mounted."""

    __slots__ = ("_filler", "folder", "is_mounted")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"
        self.is_mounted = False

    def mount(self, per_second: float) -> None:
        """Mount it, with room for the longest outage of the broker at this rate."""
        size = max(MIN_SIZE_BYTES, round(per_second * LINE_BYTES * BACKLOG_S))
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        options = f"size={size},mode=0700"
        command = ["mount", "-t", "tmpfs", "-o", options, "qck-spool", str(self.folder)]
        done = subprocess.run(command, capture_output=True, check=False)
        self.is_mounted = done.returncode == 0

    def fill(self) -> None:
        """Take the last byte, so that no spool can grow."""
        descriptor = os.open(self._filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            for size in (1024 * 1024, 4096, 1):
                self._write_until_full(descriptor, bytes(size))
        finally:
            os.close(descriptor)

    def free(self) -> None:
        """Make room again."""
        self._filler.unlink(missing_ok=True)

    def unmount(self) -> None:
        """Take it away; nothing may use it any more."""
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False)
            self.is_mounted = False

    @staticmethod
    def _write_until_full(descriptor: int, block: bytes) -> None:
        try:
            while os.write(descriptor, block) == len(block):
                pass
        except OSError:
            return
