"""Following the programs' log files, each new line with its program's name."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from local_stack.home import Home

POLL_S = 0.2


class LogFile:
    """The growing end of one log file, which may be rotated away under the reader."""

    __slots__ = ("_inode", "_path", "_position", "_rest")

    def __init__(self, path: Path, *, last_lines: int) -> None:
        self._path = path
        self._rest = b""
        self._inode, self._position = 0, 0
        if path.exists():
            content = path.read_bytes()
            tail = content.splitlines(keepends=True)[-last_lines:] if last_lines else []
            self._inode = path.stat().st_ino
            self._position = len(content) - sum(map(len, tail))

    def new_lines(self) -> Iterator[str]:
        """Yield the complete lines that came since the last call."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return
        if status.st_ino != self._inode or status.st_size < self._position:
            self._inode, self._position, self._rest = status.st_ino, 0, b""
        if status.st_size == self._position:
            return
        with self._path.open("rb") as file:
            file.seek(self._position)
            content = file.read()
        self._position += len(content)
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")


def follow(
    home: Home,
    programs: Sequence[str],
    *,
    show: Callable[[str, str, int], None],
    go_on: Callable[[], bool],
    last_lines: int = 0,
) -> None:
    """Show what the programs log for as long as `go_on` says so."""
    files = {name: LogFile(home.log(name), last_lines=last_lines) for name in programs}
    while True:
        for place, (name, file) in enumerate(files.items()):
            for line in file.new_lines():
                show(name, line, place)
        if not go_on():
            return
        time.sleep(POLL_S)
