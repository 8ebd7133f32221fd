"""What came of each request, 26 bytes apiece: millions of them go through a file, not memory."""

from collections.abc import Callable, Iterator
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import NamedTuple

_LAYOUT = Struct("<IfH16s")
_CHUNK_BYTES = _LAYOUT.size * 4096

Progress = Callable[[float], object]
"""Called with the number of records that were just read."""


class Record(NamedTuple):
    """One request."""

    number: int
    latency_s: float
    """From the moment at which it was to leave until the answer was whole, or given up."""
    status: int
    """0: there was no whole answer."""
    request_id: bytes


class RecordWriter:
    """Writes records, some thousands at a time; the reader may look while it goes on."""

    __slots__ = ("_chunk", "_file")

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._chunk = bytearray()

    def __enter__(self) -> "RecordWriter":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.flush()
        self._file.close()

    def add(self, number: int, latency_s: float, status: int, request_id: bytes) -> None:
        """Take one down."""
        chunk = self._chunk
        chunk += _LAYOUT.pack(number, latency_s, status, request_id)
        if len(chunk) >= _CHUNK_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        self._file.write(self._chunk)
        self._chunk.clear()


def read_records(path: Path, progress: Progress = lambda count: None) -> Iterator[Record]:
    """Yield all records in the order in which the requests ended."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield from map(Record._make, _LAYOUT.iter_unpack(chunk))
            progress(len(chunk) // _LAYOUT.size)


def count_records(path: Path) -> int:
    """Return how many there are so far."""
    return path.stat().st_size // _LAYOUT.size if path.exists() else 0
