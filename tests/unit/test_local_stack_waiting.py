"""What is said of a program that does not come up."""

from pathlib import Path

import pytest

from local_stack.errors import NotReadyError
from local_stack.home import Home
from local_stack.program import Program
from local_stack.supervision import ProgramState, Supervisor
from local_stack.waiting import until_ready


class Dying(Supervisor):
    """Its program is another process each time, and has written the same into its log."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._lives = 0

    def states(self) -> dict[str, ProgramState]:
        """Let the program die, and begin again."""
        self._lives += 1
        with self._log.open("a") as log:
            log.write("wrong settings:\n  - PORT is missing\n")
        return {"redirector": ProgramState("redirector", "RUNNING", 1000 + self._lives, 0.0)}


def never() -> str:
    """Answer nobody."""
    raise ConnectionRefusedError


def test_what_each_life_said_is_told_once(tmp_path: Path) -> None:
    """In the order of the log, after what came only once."""
    home = Home(tmp_path)
    log = home.log("redirector")
    log.parent.mkdir(parents=True)
    log.write_text("redirector_stopping\n")
    program = Program(
        name="redirector", command=("redirector",), folder=tmp_path, port=1, probe=never
    )
    with pytest.raises(NotReadyError) as error:
        until_ready({"redirector": program}, supervisor=Dying(log), home=home, within_s=60)
    assert str(error.value).splitlines()[1:] == [
        "  | redirector_stopping",
        "  | wrong settings:",
        "  |   - PORT is missing",
    ]
