"""Prometheus beside the stack: the repository's one configuration, pointed at private ports.

It runs only when asked for (`make run WITH=prometheus`), because nothing depends on it.
"""

import re
from collections.abc import Mapping
from datetime import timedelta

from local_stack import binaries, readiness
from local_stack.errors import SettingsError
from local_stack.home import PROJECT_ROOT, Home
from local_stack.ports import LOOPBACK
from local_stack.program import Program

SHIPPED = PROJECT_ROOT / "deploy/prometheus"

SPEED = "PROMETHEUS_SPEED"
"""The setting that divides the times of the rules, so that an alert can be seen within minutes."""

RETENTION = "15d"

_CONTAINER_PORT = 8000
_DURATION = re.compile(r"(?<=[\[ ])(\d+)(s|m|h|d)(?=[\]\s,}]|$)", re.MULTILINE)
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def speed_of(text: str) -> int:
    """Return how many times faster than usual rules are to be.

    Raises:
        SettingsError: it is no whole number above 0.
    """
    if re.fullmatch(r"[1-9][0-9]{0,3}", text := text.strip() or "1"):
        return int(text)
    raise SettingsError([f"{SPEED} is {text!r}: it must be a whole number from 1 to 9999"])


def program(home: Home, ports: Mapping[str, int], targets: tuple[str, ...], speed: int) -> Program:
    """Describe the server that scrapes `targets`; `speed` divides the times of its rules."""
    folder = home.folder("prometheus")
    port = ports["prometheus"]
    addresses = {name: f"{LOOPBACK}:{ports[name]}" for name in targets}
    return Program(
        name="prometheus",
        command=(
            binaries.require("prometheus"),
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--storage.tsdb.retention.time={RETENTION}",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--log.level=warn",
        ),
        folder=folder,
        port=port,
        probe=lambda: readiness.prometheus_answers(port),
        files=files(addresses, speed),
        stop_within_s=20,
    )


def files(addresses: Mapping[str, str], speed: int = 1) -> dict[str, str]:
    """Return the configuration and rules by file name, with these services' addresses."""
    rendered = {
        path.name: _faster(path.read_text(), speed)
        for path in (SHIPPED / "prometheus.yml", *SHIPPED.glob("*.rules.yml"))
    }
    for name, address in addresses.items():
        rendered["prometheus.yml"] = rendered["prometheus.yml"].replace(
            f'"{name}:{_CONTAINER_PORT}"', f'"{address}"'
        )
    return rendered


def _faster(text: str, speed: int) -> str:
    """Divide every duration, in whole milliseconds, so that what takes an hour takes a minute."""

    def divided(found: "re.Match[str]") -> str:
        duration = timedelta(seconds=int(found[1]) * _UNITS_S[found[2]]) / speed
        return f"{max(1, round(duration / timedelta(milliseconds=1)))}ms"

    return text if speed == 1 else _DURATION.sub(divided, text)
