"""Carrying out sections one after another: what fails is reported, and the others still run."""

import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.bench import Bench, Options, Screen, Section
from tests.bench.findings import Figure, Findings
from tests.bench.machine_speed import watched_speed


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one section."""

    name: str
    took_s: float
    findings: Findings = field(default_factory=lambda: Findings(figures=()))
    error: str = ""
    """Why it did not come to an end."""

    @property
    def is_sound(self) -> bool:
        """Whether it ended, and nothing was lost; goals may be missed."""
        return not self.error and not self.findings.wrong


def run_sections(
    sections: Mapping[str, Section], options: Options, screen: Screen
) -> Iterator[Outcome]:
    """Run each section in a temporary folder of its own; yield what became of it."""
    for name, section in sections.items():
        screen.say(f"== {name}")
        started = time.monotonic()
        findings, error = Findings(figures=()), ""
        with TemporaryDirectory(prefix=f"qck-bench-{name}-", ignore_cleanup_errors=True) as folder:
            try:
                with watched_speed(Path(folder)) as speed:
                    findings = section(Bench(options=options, screen=screen, folder=Path(folder)))
                findings = replace(
                    findings, figures=(*findings.figures, _slowness(speed.slowness))
                )
            except Exception as problem:  # whatever it was, the other sections can be measured
                error = f"{type(problem).__name__}: {problem}"
                screen.say(traceback.format_exc())
        yield Outcome(name=name, took_s=time.monotonic() - started, findings=findings, error=error)


def _slowness(times: float) -> Figure:
    return Figure(
        name="time that the same work takes here",
        value=times,
        unit="×",
        note="A fixed piece of Python, timed all along, against the machine and hour of"
        " docs/performance.md: at 2 it is half as fast, and figures by the second with it.",
    )
