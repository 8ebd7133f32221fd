"""What is said of a program that does not come up."""

from pathlib import Path

import pytest

from local_stack.errors import NotReadyError
from local_stack.home import Home
from local_stack.program import Program
from local_stack.supervision import ProgramState, Supervisor
from local_stack.waiting import until_ready


class Dying(Supervisor):
    """Its programs are other processes each time, and have written the same into their logs."""

    def __init__(self, *logs: Path) -> None:
        self._logs = logs
        self._lives = 0

    def states(self) -> dict[str, ProgramState]:
        """Let each program die, and begin again."""
        self._lives += 1
        for path in self._logs:
            with path.open("a") as log:
                log.write("wrong settings:\n  - PORT is missing\n")
        names = [path.stem for path in self._logs]
        return {name: ProgramState(name, "RUNNING", 1000 + self._lives, 0.0) for name in names}


def never() -> str:
    """Answer nobody."""
    raise ConnectionRefusedError


def a_program(home: Home, name: str) -> Program:
    """Return one that never answers."""
    return Program(name=name, command=(name,), folder=home.path, port=1, probe=never)


def explanation(home: Home, log: Path, logs_from: dict[str, int]) -> list[str]:
    """Return what is quoted of the log of a redirector that keeps dying."""
    with pytest.raises(NotReadyError) as error:
        until_ready(
            {"redirector": a_program(home, "redirector")},
            supervisor=Dying(log),
            home=home,
            within_s=60,
            logs_from=logs_from,
        )
    return [line.removeprefix("  | ") for line in str(error.value).splitlines()[1:]]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A redirector's log, in which an earlier life has left a line."""
    log = Home(tmp_path).log("redirector")
    log.parent.mkdir(parents=True)
    log.write_text("redirector_stopping\n")
    return log


def test_what_each_life_said_is_told_once(tmp_path: Path, log: Path) -> None:
    """In the order of the log, after what came only once."""
    assert explanation(Home(tmp_path), log, {}) == [
        "redirector_stopping",
        "wrong settings:",
        "  - PORT is missing",
    ]


def test_what_earlier_runs_said_is_not_told(tmp_path: Path, log: Path) -> None:
    """The reason of this start stands alone."""
    home = Home(tmp_path)
    assert explanation(home, log, {"redirector": home.log_bytes("redirector")}) == [
        "wrong settings:",
        "  - PORT is missing",
    ]


def test_a_log_that_was_rotated_is_told_from_its_start(tmp_path: Path, log: Path) -> None:
    """A file shorter than it was holds nothing of earlier runs."""
    assert explanation(Home(tmp_path), log, {"redirector": 1_000_000})[-1] == "  - PORT is missing"


def test_all_that_keep_dying_are_told_at_once(tmp_path: Path, log: Path) -> None:
    """Who has mended the settings of one service does not wait for the next to complain."""
    home, other = Home(tmp_path), log.with_name("shortener.log")
    names = ("redirector", "shortener")
    with pytest.raises(NotReadyError) as error:
        until_ready(
            {name: a_program(home, name) for name in names},
            supervisor=Dying(log, other),
            home=home,
            within_s=60,
        )
    lines = str(error.value).splitlines()
    assert [line.split()[0] for line in lines if "keeps dying" in line] == [*names]
