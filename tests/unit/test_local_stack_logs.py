"""Following log files, and what their lines look like to people."""

from pathlib import Path

import pytest

from local_stack.logs import LogFile
from local_stack.terminal import readable


def test_only_complete_lines_are_shown(tmp_path: Path) -> None:
    """A line that is being written waits for its end."""
    path = tmp_path / "any.log"
    path.write_text("old\n")
    log = LogFile(path, last_lines=0)
    with path.open("a") as file:
        file.write("one\ntw")
        file.flush()
        assert list(log.new_lines()) == ["one"]
        file.write("o\n")
        file.flush()
        assert list(log.new_lines()) == ["two"]


def test_the_last_lines_come_first(tmp_path: Path) -> None:
    """Somebody who begins to follow sees what led up to now."""
    path = tmp_path / "any.log"
    path.write_text("one\ntwo\nthree\n")
    assert list(LogFile(path, last_lines=2).new_lines()) == ["two", "three"]


def test_rotation_is_followed(tmp_path: Path) -> None:
    """The new file of the same name is read from its beginning."""
    path = tmp_path / "any.log"
    path.write_text("old\n")
    log = LogFile(path, last_lines=0)
    path.rename(tmp_path / "any.log.1")
    path.write_text("first of the new file\n")
    assert list(log.new_lines()) == ["first of the new file"]


def test_a_program_that_never_logged(tmp_path: Path) -> None:
    """A missing file has no lines, until it is there."""
    log = LogFile(tmp_path / "any.log", last_lines=5)
    assert list(log.new_lines()) == []
    (tmp_path / "any.log").write_text("hello\n")
    assert list(log.new_lines()) == ["hello"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        pytest.param(
            '{"timestamp":"2026-01-02T03:04:05.678Z","level":"info","event":"ready","port":1}',
            "03:04:05 info    ready port=1",
            id="ours",
        ),
        pytest.param("{not json", "{not json", id="looks-like-json"),
        pytest.param('{"level":"info"}', "info   ", id="no-event"),
        pytest.param("plain", "plain", id="plain"),
        pytest.param("\x1b[38;5;87mcoloured\x1b[0m", "coloured", id="coloured"),
    ],
)
def test_readable(line: str, shown: str) -> None:
    """JSON becomes a sentence with values, other lines stay but for their colours."""
    assert readable(line) == shown
