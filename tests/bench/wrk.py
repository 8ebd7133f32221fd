"""wrk: as many visits as can be answered, one after another on each of some connections."""

import os
import resource
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import msgspec

from local_stack import binaries
from local_stack.ports import LOOPBACK
from tests.seed.visitors import COUNTRIES, REFERERS, USER_AGENTS

THREADS = max(1, (os.cpu_count() or 1) // 4)
"""One makes some 90,000 visits a second; more only take cores from what is measured."""
CONNECTIONS = 128
"""Of 64, qck leaves a twelfth of two cores idle: visitors wait for each other's turns."""
VISITORS = 1000
_COUNTED = "counted "


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of wrk came to; what was in flight when it ended is in none of the counts."""

    requests: int
    """Answered, whatever the answer was."""
    failed: int
    """Of these, answered with a status of 400 or more."""
    lost: int
    """Connections that broke."""
    timeouts: int
    """Answers that took longer than wrk likes; they count as requests once they come."""
    duration_us: int
    cpu_s: float = 0.0
    """What wrk itself has used."""

    @property
    def redirects(self) -> int:
        """How many were answered with what they asked for."""
        return self.requests - self.failed

    @property
    def per_second(self) -> float:
        """Redirects a second."""
        return self.redirects / (self.duration_us / 1e6)


@dataclass(slots=True)
class Wrk:
    """Visits to the links of these codes, the popular ones first; every run draws others."""

    folder: Path
    codes: Sequence[str]
    host: str
    seed: int

    def __post_init__(self) -> None:
        self._codes_file.write_text("".join(f"{code}\n" for code in self.codes))
        self._visitors_file.write_text(visitor_lines(Random(self.seed)))  # noqa: S311 - no secret

    def run(self, port: int, seconds: float) -> Load:
        """Visit whatever listens on `port` for so long."""
        self.seed += 1
        used = _children_s()
        done = subprocess.run(
            [
                binaries.require("wrk"), f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s",
                "-s", str(Path(__file__).with_name("visits.lua")), f"http://{LOOPBACK}:{port}",
                "--", str(self._codes_file), str(self._visitors_file), self.host, str(self.seed),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds + 30,
            check=False,
        )  # fmt: skip
        load = parse_output(done.stdout)
        return msgspec.structs.replace(load, cpu_s=_children_s() - used)

    @property
    def _codes_file(self) -> Path:
        return self.folder / "codes.txt"

    @property
    def _visitors_file(self) -> Path:
        return self.folder / "visitors.txt"


def parse_output(text: str) -> Load:
    """Read what visits.lua had to say at the end.

    Raises:
        RuntimeError: wrk did not get that far; with what it said instead.
    """
    for line in text.splitlines():
        if line.startswith(_COUNTED):
            return msgspec.json.decode(line.removeprefix(_COUNTED), type=Load)
    raise RuntimeError(f"wrk failed: {text.strip()}")


def visitor_lines(random: Random) -> str:
    """Return a line for each of `VISITORS`: name and value of every header, tabs between."""
    agents = random.choices([*USER_AGENTS], [*USER_AGENTS.values()], k=VISITORS)
    languages = random.choices([*COUNTRIES], [*COUNTRIES.values()], k=VISITORS)
    referers = random.choices([*REFERERS], [*REFERERS.values()], k=VISITORS)
    lines = []
    for agent, (language, _), referer in zip(agents, languages, referers, strict=True):
        headers = {"User-Agent": agent, "Accept-Language": language, "Referer": referer}
        lines.append("\t".join(f"{name}\t{text}" for name, text in headers.items() if text))
    return "".join(f"{line}\n" for line in lines)


def _children_s() -> float:
    """Return the processor time of all processes that this one started and saw ending."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
