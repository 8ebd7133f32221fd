"""The files of a spool that are written: the newest segment, and those not flushed yet.

A line that was written is in the kernel's hands, and on the disk once it is flushed.
"""

import contextlib
import os

from redirector.spool_folder import SpoolFolder


class SpoolSegments:
    """Appends to segments of `segment_bytes` each (the last line may take one above it)."""

    __slots__ = ("_fd", "_folder", "_segment_bytes", "_size_bytes", "_unsynced_fds")

    def __init__(self, folder: SpoolFolder, *, segment_bytes: int) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._fd: int | None = None
        self._size_bytes = 0
        self._unsynced_fds: list[int] = []

    def write(self, lines: bytes, sequence: int) -> None:
        """Append lines, the first of which has this number: all of them or none.

        Raises:
            OSError: the disk refuses them.
        """
        if self._fd is None or self._size_bytes >= self._segment_bytes:
            self._start(sequence)
        fd = self._fd
        assert fd is not None  # noqa: S101 - for the type checker; it has just been opened
        try:
            written = os.write(fd, lines)
            while written < len(lines):
                written += os.write(fd, lines[written:])
        except OSError:
            # A piece of a line must not stay in front of the next one.
            os.ftruncate(fd, self._size_bytes)
            raise
        self._size_bytes += len(lines)

    def _start(self, sequence: int) -> None:
        path = self._folder.segment_path(sequence)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if self._fd is not None:
            self._unsynced_fds.append(self._fd)
        self._fd = fd
        self._size_bytes = 0

    def sync(self) -> OSError | None:
        """Make the folder where it is missing, and flush; return what the disk answers."""
        error = None
        finished, self._unsynced_fds = self._unsynced_fds, []
        for fd in finished:
            try:
                os.fdatasync(fd)
            except OSError as refused:
                error = refused
                # Whoever kept files that are confirmed and deleted would run out of descriptors.
                if os.fstat(fd).st_nlink:
                    self._unsynced_fds.append(fd)
                    continue
            with contextlib.suppress(OSError):
                os.close(fd)
        try:
            if self._fd is not None:
                os.fdatasync(self._fd)
            elif not self._folder.is_made:
                self._folder.make()
        except OSError as refused:
            error = refused
        return error

    def close(self) -> None:
        """Close the newest segment."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
