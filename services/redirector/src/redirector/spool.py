"""The click spool's writing side: a click is in the kernel's hands before its answer is sent.

From then on the death of this process loses nothing; the loss of power can lose what was written
since the last fsync, `SPOOL_FSYNC_MS` ago at the most (plus the fsync itself).
"""

import asyncio
import math
import time
from collections.abc import Sequence

import structlog

from redirector.spool_folder import SpoolFolder
from redirector.spool_reader import SpoolReader
from redirector.spool_segments import SpoolSegments
from shared.metrics import RedirectorMetrics

log = structlog.get_logger()


class ClickSpool:
    """Appends lines to segments in one folder; `reader` is the other end of the same folder.

    Nothing is buffered in the process. What cannot be written is shed and counted: by
    `qck_clicks_shed_total{reason="spool_full"}` above `max_bytes` of unconfirmed lines, by
    `{reason="write_error"}` when the disk refuses. Visitors are answered in both cases.

    Where the disk cannot even take the folder, `sync_every` tries to make it until it can.
    """

    __slots__ = (
        "_appended_bytes", "_folder", "_is_dirty", "_max_bytes", "_metrics", "_segments",
        "_shed_at", "disk_error", "next_sequence", "reader",
    )  # fmt: skip

    def __init__(
        self,
        folder: SpoolFolder,
        *,
        segment_bytes: int,
        max_bytes: int,
        metrics: RedirectorMetrics,
    ) -> None:
        self._folder = folder
        self._segments = SpoolSegments(folder, segment_bytes=segment_bytes)
        self._max_bytes = max_bytes
        self._metrics = metrics
        self._appended_bytes = 0
        self._is_dirty = False
        self._shed_at = -math.inf
        self.next_sequence = 0
        self.disk_error: OSError | None = None
        """What the disk answered when it was last asked for the folder, or to flush."""
        self._note(self._sync())
        self.reader = SpoolReader(folder, metrics=metrics, appended=lambda: self.next_sequence)

    @property
    def backlog_bytes(self) -> int:
        """Bytes appended and not yet confirmed."""
        return self._appended_bytes - self.reader.confirmed_bytes

    @property
    def backlog_clicks(self) -> int:
        """Clicks appended and not yet confirmed."""
        return self.next_sequence - self.reader.confirmed.sequence

    def has_shed_within(self, seconds: float) -> bool:
        """Tell whether a click was shed so short a time ago."""
        return time.monotonic() - self._shed_at < seconds

    def append_all(self, lines: Sequence[bytes]) -> None:
        """Write lines, newlines included, at once if that is possible, else one by one."""
        if not self._append(b"".join(lines), len(lines)):
            for line in lines:
                self.append(line)

    def append(self, line: bytes) -> bool:
        """Write one line, newline included; False when it was shed."""
        if self._append(line, 1):
            return True
        self._shed_at = time.monotonic()
        if self._has_room(line):
            self._metrics.clicks_shed_error.inc()
        else:
            self._metrics.clicks_shed_full.inc()
        return False

    def _append(self, lines: bytes, count: int) -> bool:
        if not self._has_room(lines):
            return False
        try:
            self._segments.write(lines, self.next_sequence)
        except OSError:
            return False
        self._appended_bytes += len(lines)
        self.next_sequence += count
        self._is_dirty = True
        self._metrics.clicks_appended.inc(count)
        return True

    def _has_room(self, lines: bytes) -> bool:
        return self.backlog_bytes + len(lines) <= self._max_bytes

    async def sync_every(self, interval_s: float) -> None:
        """Flush to the disk for ever, in a thread, whenever something was appended."""
        while True:
            await asyncio.sleep(interval_s)
            if self._is_dirty:
                self._note(await asyncio.to_thread(self._sync))

    def _sync(self) -> OSError | None:
        """Flush; what the disk refuses is left dirty."""
        self._is_dirty = False
        error = self._segments.sync()
        if error is not None:
            self._is_dirty = True
        return error

    def _note(self, error: OSError | None) -> None:
        """Count what the disk refuses, and log it when that changes."""
        if error is not None:
            self._metrics.spool_disk_errors.inc()
        if repr(error) != repr(self.disk_error):
            if error is None:
                log.info("spool_disk_works")
            else:
                log.warning("spool_disk_refuses", reason=repr(error))
        self.disk_error = error

    def close(self) -> None:
        """Flush, then remove the folder if the broker has confirmed all of it, else leave it."""
        self._note(self._sync())
        self._segments.close()
        self.reader.close()
        if self.reader.confirmed.sequence != self.next_sequence:
            self._folder.close()
            return
        try:
            self._folder.remove()
        except OSError as error:  # what is left an heir will finish
            log.warning("spool_not_removed", reason=repr(error))
