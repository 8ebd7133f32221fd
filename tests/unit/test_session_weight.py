"""PostgreSQL's sessions are made lighter than what visitors wait for.

On a tree of files like the kernel's: not every kernel has weights, and none refuses on demand.
"""

import errno
from pathlib import Path

import pytest

from local_stack.session_weight import lighten_sessions

POSTMASTER = 4711
NEW, LIGHT = "/autogroup-9 nice 0\n", "/autogroup-9 nice 5\n"


def tree(proc: Path, children: dict[str, str]) -> Path:
    """Make a server with these processes, oldest first, each with what its `autogroup` says."""
    task = proc / f"{POSTMASTER}/task/{POSTMASTER}"
    task.mkdir(parents=True)
    (task / "children").write_text("".join(f"{pid} " for pid in children))
    for pid, says in children.items():
        (proc / pid).mkdir()
        (proc / pid / "autogroup").write_text(says)
    return proc


def says(proc: Path, pid: str) -> str:
    """Return what the file of the process holds now: what was written, or what it had."""
    return (proc / pid / "autogroup").read_text()


def test_each_session_gets_the_weight_once(tmp_path: Path) -> None:
    """A new process is written to, one that has the weight is left alone."""
    proc = tree(tmp_path, {"12": NEW, "13": LIGHT})
    lighten_sessions(POSTMASTER, proc)
    assert (says(proc, "12"), says(proc, "13")) == ("5", LIGHT)


def test_a_process_that_ends_meanwhile_keeps_nobody(tmp_path: Path) -> None:
    """One without a file any more is passed over, and all others get their weight."""
    proc = tree(tmp_path, {"12": NEW, "13": NEW, "14": NEW})
    (proc / "13/autogroup").unlink()
    lighten_sessions(POSTMASTER, proc)
    assert (says(proc, "12"), says(proc, "14")) == ("5", "5")


def test_a_kernel_that_wants_to_be_asked_later_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the kernel's EAGAIN nothing more is asked in that turn; the newest came first."""
    proc = tree(tmp_path, {"12": NEW, "13": NEW, "14": NEW})
    write, asked = Path.write_text, []

    def refuse_the_second(path: Path, text: str) -> int:
        asked.append(path.parent.name)
        if len(asked) == 2:
            raise BlockingIOError(errno.EAGAIN, "asked too soon")
        return write(path, text)

    monkeypatch.setattr(Path, "write_text", refuse_the_second)
    lighten_sessions(POSTMASTER, proc)
    assert asked == ["14", "13"]


def test_without_a_server_there_is_nothing_to_do(tmp_path: Path) -> None:
    """A server that is not running, or a kernel that does not tell its children, is no error."""
    lighten_sessions(POSTMASTER, tmp_path)
