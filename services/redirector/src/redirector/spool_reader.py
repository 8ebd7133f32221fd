"""The spool's reading side: batches of lines in order, a cursor, and what is confirmed."""

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from redirector.spool_folder import Position, SpoolFolder
from shared.metrics import RedirectorMetrics

FIRST_READ_BYTES = 64 * 1024
"""What is read at once as long as that makes a full message; else twice as much, and so on.

Memory above what the lines need costs more than the reading.
"""

MAX_READ_BYTES = 1024 * 1024
"""Most of one message's body: far below the broker's 16 MiB, over 100 of the longest clicks."""


@dataclass(frozen=True, slots=True)
class SpoolBatch:
    """Whole lines as they are on disk, to be sent as one message."""

    source: str
    first_sequence: int
    count: int
    body: bytes
    end: Position
    appended: int
    """How many clicks the source had when this was read."""
    confirmed: int
    """How many of them the broker had confirmed by then."""


class SpoolReader:
    """Reads one folder from its checkpoint on.

    Reading moves a cursor in memory; `confirm` moves the checkpoint on disk and deletes segments
    that are wholly confirmed; `rewind` takes the cursor back to the checkpoint, so that what was
    sent and not confirmed is sent again. `appended` tells how many clicks a live source has; a
    dead process's has as many as are read.
    """

    __slots__ = (
        "_announced",
        "_appended",
        "_cursor",
        "_fd",
        "_fd_segment",
        "_folder",
        "_found_bytes",
        "_is_at_end",
        "_metrics",
        "_read_bytes",
        "_sent",
        "confirmed",
        "confirmed_bytes",
    )

    def __init__(
        self,
        folder: SpoolFolder,
        *,
        metrics: RedirectorMetrics,
        appended: Callable[[], int] | None = None,
    ) -> None:
        self._folder = folder
        self._metrics = metrics
        self._appended = appended
        self._announced = 0
        self._is_at_end = False
        self._fd: int | None = None
        self._fd_segment = -1
        self._read_bytes = FIRST_READ_BYTES
        self.confirmed = folder.read_checkpoint()
        self.confirmed_bytes = 0
        self._found_bytes = folder.bytes_behind(self.confirmed)
        self._cursor = self.confirmed
        # The end of the last batch, which the cursor leaves behind when it goes to a new segment.
        self._sent = self.confirmed

    @property
    def source(self) -> str:
        """Whose clicks these are."""
        return self._folder.source

    @property
    def left_bytes(self) -> int:
        """Bytes of a dead process's folder that are not yet confirmed."""
        return self._found_bytes - self.confirmed_bytes

    def read(self, max_clicks: int) -> SpoolBatch | None:
        """Return the next lines, at most `max_clicks`, or None when there is no whole line.

        Raises:
            OSError: the disk does not give them.
        """
        while True:
            lines, count = self._read_lines(max_clicks)
            if count:
                start = self._cursor
                self._cursor = Position(
                    start.segment, start.offset + len(lines), start.sequence + count
                )
                return self._batch(start.sequence, count, lines)
            if not self._go_to_next_segment():
                self._is_at_end = True
                return None

    def mark(self) -> SpoolBatch | None:
        """Return a batch of no clicks that tells how far the broker has confirmed.

        None when that was told, or while clicks are on their way. Without it the loss of a
        source's last message would leave no trace.
        """
        if self._sent != self.confirmed or self.is_announced:
            return None
        return self._batch(self.confirmed.sequence, 0, b"")

    def _batch(self, first_sequence: int, count: int, body: bytes) -> SpoolBatch:
        self._announced = self.confirmed.sequence
        self._sent = self._cursor
        return SpoolBatch(
            self._folder.source,
            first_sequence,
            count,
            body,
            self._cursor,
            appended=self._appended() if self._appended else self._cursor.sequence,
            confirmed=self.confirmed.sequence,
        )

    def _read_lines(self, max_clicks: int) -> tuple[bytes, int]:
        cursor = self._cursor
        if self._fd_segment != cursor.segment:
            self.close()
            if not self._folder.is_made:
                return b"", 0
            try:
                self._fd = os.open(
                    self._folder.segment_path(cursor.segment), os.O_RDONLY | os.O_CLOEXEC
                )
            except FileNotFoundError:
                return b"", 0
            self._fd_segment = cursor.segment
        assert self._fd is not None  # noqa: S101 - for the type checker
        data = os.pread(self._fd, self._read_bytes, cursor.offset)
        count = data.count(b"\n")
        while count < max_clicks and len(data) == self._read_bytes < MAX_READ_BYTES:
            self._read_bytes *= 2
            data = os.pread(self._fd, self._read_bytes, cursor.offset)
            count = data.count(b"\n")
        if count <= max_clicks:
            return data[: data.rfind(b"\n") + 1], count
        end = 0
        for _ in range(max_clicks):
            end = data.index(b"\n", end) + 1
        return data[:end], max_clicks

    def _go_to_next_segment(self) -> bool:
        """Move on when the current segment is finished and a later one exists."""
        later = [number for number in self._folder.segments() if number > self._cursor.segment]
        if not later:
            return False
        self._cursor = Position(later[0], 0, later[0])
        return True

    def confirm(self, batch: SpoolBatch) -> None:
        """Note that the broker has `batch` and all before it; batches come in reading order.

        A disk that is too full for a checkpoint must not keep segments from being deleted: without
        it, a restart goes on from the oldest segment and sends some clicks once more.
        """
        with contextlib.suppress(OSError):
            self._folder.write_checkpoint(batch.end)
        if batch.end.segment != self.confirmed.segment:
            # What cannot be deleted is tried again with the next segment, or at the end.
            with contextlib.suppress(OSError):
                for segment in self._folder.segments():
                    if segment < batch.end.segment:
                        self._folder.segment_path(segment).unlink(missing_ok=True)
        self.confirmed = batch.end
        self.confirmed_bytes += len(batch.body)

    def rewind(self) -> None:
        """Go back to the checkpoint."""
        self._cursor = self._sent = self.confirmed
        self._announced = 0
        self._is_at_end = False

    def is_finished(self) -> bool:
        """Tell whether all of a dead process's folder is confirmed; counts a torn last line."""
        if self._appended is not None or not self._is_at_end or self._sent != self.confirmed:
            return False
        path = self._folder.segment_path(self._cursor.segment)
        if path.exists() and path.stat().st_size > self._cursor.offset:
            # A line without an end: its process died in write(), before the answer was sent.
            self._metrics.spool_torn_tails.inc()
        return True

    @property
    def is_announced(self) -> bool:
        """Whether the last confirm was told; a spool that was always empty has nothing to tell.

        A power loss may take the lines before the cursor: that they were there is told, too.
        """
        return self._announced == self._cursor.sequence

    def oldest_age_s(self) -> float:
        """Return the age of the oldest unconfirmed click; 0 when there is none."""
        try:
            line = self._oldest_line()
        except OSError:
            return 0.0
        # A line begins with {"id":" and the UUIDv7, whose first 48 bits are Unix milliseconds.
        digits = line[7:20].replace(b"-", b"")
        try:
            return max(0.0, time.time() - int(digits, 16) / 1000)
        except ValueError:
            return 0.0

    def _oldest_line(self) -> bytes:
        for number in self._folder.segments():
            if number < self.confirmed.segment:
                continue
            with self._folder.segment_path(number).open("rb") as segment:
                segment.seek(self.confirmed.offset if number == self.confirmed.segment else 0)
                line = segment.readline()
            if line.endswith(b"\n"):  # else the oldest may be the first of the next segment
                return line
        return b""

    def remove(self) -> None:
        """Delete the folder of a dead process that `is_finished`.

        Raises:
            OSError: some of it is left, and for the next process.
        """
        self.close()
        self._folder.remove()

    def release(self) -> None:
        """Leave an adopted folder for the next process."""
        self.close()
        self._folder.close()

    def close(self) -> None:
        """Let go of the open segment; the folder itself belongs to its owner."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
            self._fd_segment = -1
