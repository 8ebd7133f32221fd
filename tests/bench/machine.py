"""What a run was measured on: without it no figure means anything."""

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import gettempdir

from local_stack import binaries
from local_stack.home import PROJECT_ROOT
from tests.bench.round_trip import round_trip_p95_s


def describe_machine() -> dict[str, str]:
    """Return what there is, by name; what cannot be found out is left out."""
    memory = re.search(r"MemTotal:\s+(\d+) kB", _text("/proc/meminfo"))
    facts = {
        "measured": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "processor": cpu_model(_text("/proc/cpuinfo")),
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory[1]) / 2**20:.1f} GiB" if memory else "",
        "system": f"{_system(_text('/etc/os-release'))}, Linux {platform.release()}",
        "a byte to another process and back": f"{round_trip_p95_s() * 1000:.2f} ms, p95, idle",
        "data on": _output("stat", "-f", "-c", "%T", gettempdir()).strip(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        **_server_versions(),
    }
    return {name: fact for name, fact in facts.items() if fact}


def cpu_model(cpuinfo: str) -> str:
    """Return the processor's name out of /proc/cpuinfo; its architecture where it has none."""
    found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _system(os_release: str) -> str:
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', os_release, re.MULTILINE)
    return found[1] if found else platform.system()


def _server_versions() -> Mapping[str, str]:
    postgres = binaries.postgres_folder()
    rabbitmq = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"))
    return {
        "nginx": _first(r"nginx/(\S+)", "nginx", "-v"),
        "PostgreSQL": _first(r"([\d.]+)", str(postgres / "postgres"), "-V") if postgres else "",
        "Redis": _first(r"v=(\S+)", "redis-server", "--version"),
        "RabbitMQ": rabbitmq[-1].name.rpartition("-")[2] if rabbitmq else "",
        "wrk": _first(r"wrk \S*?(\d[\w.]*)", "wrk", "-v"),
    }


def _commit() -> str:
    commit = _output("git", "-C", str(PROJECT_ROOT), "rev-parse", "--short", "HEAD").strip()
    changed = _output("git", "-C", str(PROJECT_ROOT), "status", "--porcelain").strip()
    return f"{commit} with changes" if commit and changed else commit


def _first(pattern: str, *command: str) -> str:
    found = re.search(pattern, _output(*command))
    return found[1] if found else ""


def _output(*command: str) -> str:
    program = binaries.find(command[0])
    try:
        done = subprocess.run(
            [str(program or command[0]), *command[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    # wrk shows its version with an exit status of 1.
    return done.stdout if done.returncode in (0, 1) else ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
