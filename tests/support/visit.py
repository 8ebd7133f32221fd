"""One visit, and the file in which the visitors' process records all of them."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tests.support.http_load import Answer


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visitor asked for and was answered; `status` 0 means no whole answer."""

    due_at: float
    code: str
    status: int
    latency_ms: float
    request_id: str
    problem: str = ""

    @property
    def answered_at(self) -> float:
        """Unix time of the answer, or of giving up."""
        return self.due_at + self.latency_ms / 1000


class VisitLog:
    """Writes visits, one line each."""

    __slots__ = ("_file", "_rows")

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._rows = csv.writer(file)

    def add(self, answer: Answer) -> None:
        """Record an answer."""
        self._rows.writerow(
            (
                f"{answer.due_at:.4f}",
                answer.path.removeprefix("/"),
                answer.status,
                f"{answer.latency_ms:.2f}",
                answer.request_id,
                answer.problem,
            )
        )

    def flush(self) -> None:
        """Let readers see what was recorded so far."""
        self._file.flush()


class VisitReader:
    """Reads the file while it grows; a line that is not whole yet waits for the next time."""

    __slots__ = ("_offset", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def news(self) -> Iterator[Visit]:
        """Yield the visits recorded since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for due_at, code, status, latency_ms, request_id, problem in csv.reader(
            whole.decode().splitlines()
        ):
            yield Visit(float(due_at), code, int(status), float(latency_ms), request_id, problem)
