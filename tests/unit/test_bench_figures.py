"""The benchmark's verdicts: figures beside goals, and what of a section is broken."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from tests.bench import __main__ as bench
from tests.bench.bench import Bench, Options
from tests.bench.findings import Figure, Findings
from tests.bench.outcome import Outcome, run_sections
from tests.bench.rows import create_rows, shown
from tests.support.progress import progress


class Quiet:
    """A screen that keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        """Keep the line."""
        self.lines.append(text)

    def progress(self, name: str, total: float) -> AbstractContextManager[Callable[[float], None]]:
        """Show it to nobody."""
        return progress(Console(quiet=True), name, total)


@pytest.mark.parametrize(
    ("goal", "is_floor", "is_met"),
    [
        pytest.param(None, False, None, id="no goal"),
        pytest.param(3.0, False, True, id="at most, and it is that"),
        pytest.param(2.9, False, False, id="at most, and it is more"),
        pytest.param(3.0, True, True, id="at least, and it is that"),
        pytest.param(3.1, True, False, id="at least, and it is less"),
    ],
)
def test_a_goal_is_the_least_or_the_most(
    goal: float | None, is_floor: bool, is_met: bool | None
) -> None:
    """A figure that equals its goal meets it, from either side."""
    figure = Figure(name="x", value=3.0, unit="s", goal=goal, is_floor=is_floor)
    assert figure.is_met is is_met


def test_rows_say_goal_figure_and_verdict() -> None:
    """What is broken comes first, then every figure with its goal and its rounds."""
    figures = [
        Figure(name="speed", value=1234.5, unit="a second", goal=1000, is_floor=True),
        Figure(name="share", value=0.42, unit="×", goal=0.5, is_floor=True, rounds=[0.4, 0.44]),
        Figure(name="memory", value=80.0, unit="MB"),
    ]
    outcome = Outcome(
        name="s", took_s=1, findings=Findings(figures=figures, wrong=["3 clicks lost"])
    )
    rows = [(row.name, row.goal, row.figure, row.verdict) for row in create_rows([outcome])]
    assert rows == [
        ("3 clicks lost", "", "", "broken"),
        ("speed", "≥ 1,000 a second", "1,234 a second", "met"),
        ("share", "≥ 0.500 ×", "0.420 ×", "missed"),
        ("memory", "", "80 MB", ""),
    ]
    assert create_rows([outcome])[2].rounds == "0.400, 0.440"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7, "7"), (12345.678, "12,346"), (1.2345, "1.23"), (0.012345, "0.0123")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    """More digits than three would pretend an exactness that rounds do not have."""
    assert shown(value) == text


def test_a_section_that_fails_does_not_keep_the_others_from_running() -> None:
    """The failure is reported with its reason, and each section has a folder that goes away."""
    folders: list[Path] = []

    def fails(bench: Bench) -> Findings:
        folders.append(bench.folder)
        (bench.folder / "left").touch()
        raise OSError("no more disk")

    def works(bench: Bench) -> Findings:
        folders.append(bench.folder)
        return Findings(figures=[Figure(name="x", value=1, unit="s", goal=0.5)])

    sections: dict[str, Callable[[Bench], Findings]] = {"first": fails, "second": works}
    failed, measured = run_sections(sections, Options(), Quiet())
    assert (failed.error, failed.is_sound) == ("OSError: no more disk", False)
    assert measured.is_sound
    assert len(set(folders)) == 2
    assert not any(folder.exists() for folder in folders)


def test_an_interrupted_run_shows_what_it_has_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sections before are not lost, and the report of an earlier run stays what it is."""

    def works(_: Bench) -> Findings:
        return Findings(figures=[Figure(name="speed of the first", value=1, unit="s")])

    def is_interrupted(_: Bench) -> Findings:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "SECTIONS", {"first": works, "second": is_interrupted})
    monkeypatch.setattr(bench, "ensure_needed", lambda _: None)
    monkeypatch.setattr(bench, "signal", SimpleNamespace(SIGTERM=0, SIGHUP=0, signal=print))
    assert bench.main(["--report", str(tmp_path / "report")]) == bench.INTERRUPTED
    shown = capsys.readouterr().out
    assert "speed of the first" in shown
    assert "interrupted after 1 of 2 sections" in shown
    assert not (tmp_path / "report").exists()


def test_a_lost_click_makes_a_section_unsound_and_a_missed_goal_does_not() -> None:
    """The exit status is about what broke, not about how fast the machine is."""
    missed = Findings(figures=[Figure(name="x", value=2, unit="s", goal=1)])
    assert Outcome(name="s", took_s=0, findings=missed).is_sound
    assert not Outcome(name="s", took_s=0, findings=Findings(figures=(), wrong=["lost"])).is_sound
