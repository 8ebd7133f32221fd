"""Installing missing servers from Debian's packages, without starting any of them."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from local_stack import binaries, users
from local_stack.errors import StackError
from local_stack.home import PROJECT_ROOT
from local_stack.terminal import Report

Package = tuple[str, Callable[[], object]]
"""A package's name, and how to see that what it brings is there."""

PACKAGES: dict[str, Package] = {
    "postgres": ("postgresql", binaries.postgres_folder),
    "redis": ("redis-server", lambda: binaries.find("redis-server")),
    "rabbitmq": ("rabbitmq-server", lambda: binaries.find("rabbitmq-server")),
    "nginx": ("nginx-light", lambda: binaries.find("nginx")),
    "prometheus": ("prometheus", lambda: binaries.find("prometheus")),
}
"""For each program the Debian package that brings it."""

_SCRIPT = PROJECT_ROOT / "deploy/local/install-packages"


def missing_packages(programs: Iterable[str], also: Iterable[Package] = ()) -> list[str]:
    """Return the packages that have to be installed before these programs can run.

    `also` are packages that whoever asks needs beside those of the programs.
    """
    wanted = [package for name, package in PACKAGES.items() if name in programs]
    return [name for name, is_there in (*wanted, *also) if not is_there()]


def ensure_installed(
    programs: Iterable[str], report: Report, also: Collection[Package] = ()
) -> None:
    """Install what is missing where this user may.

    Raises:
        StackError: it may not, or apt failed; with what to do.
    """
    packages = missing_packages(programs := set(programs), also)
    if not packages:
        return
    as_root = _as_root()
    if as_root is None or shutil.which("apt-get") is None:
        raise StackError(
            f"missing: {', '.join(packages)}. Install them (on Debian:"
            f" sudo apt-get install --no-install-recommends {' '.join(packages)}),"
            " or use `docker compose up` instead"
        )
    report.say(f"installing {', '.join(packages)} (once, with apt-get)")
    handle, name = tempfile.mkstemp(prefix="qck-install-", suffix=".log")
    os.close(handle)
    log = Path(name)
    if _install([*as_root, str(_SCRIPT), str(log), *packages], report) != 0:
        raise StackError(f"the packages could not be installed; the end of {log}:{_end_of(log)}")
    if still := missing_packages(programs, also):
        raise StackError(f"{', '.join(still)} is installed but not found; apt's output: {log}")
    log.unlink()


def _as_root() -> list[str] | None:
    """Return the words that put a command into root's hands, or None if that takes a password."""
    if users.is_root():
        return []
    asked = shutil.which("sudo") and subprocess.run(
        ["sudo", "-n", "true"], stderr=subprocess.DEVNULL, start_new_session=True, check=False
    )
    return ["sudo", "-n"] if asked and asked.returncode == 0 else None


def _install(command: list[str], report: Report) -> int:
    # In a session of its own: Ctrl-C in the middle of dpkg leaves packages half configured.
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - a PIPE
        try:
            for line in process.stdout:
                _show(line, report)
        except KeyboardInterrupt:
            report.say("waiting for apt-get to finish, which must not be interrupted half-way")
            process.communicate()
            raise
    return process.returncode


def _show(line: str, report: Report) -> None:
    """Turn one of apt's progress records, "pmstatus:package:percent:text", into progress."""
    kind, _, rest = line.partition(":")
    fields = rest.rstrip("\n").split(":", 2)
    if kind in ("dlstatus", "pmstatus") and len(fields) == 3:
        step = "downloading" if kind == "dlstatus" else "installing"
        report.progress(f"{step} {float(fields[1]):3.0f} %  {fields[2]}")


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-15:]
    return "".join(f"\n  | {line}" for line in lines)
