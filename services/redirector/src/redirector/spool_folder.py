"""The folder of one spool on disk: its lock, its segments, its checkpoint.

    SPOOL_DIR/<source>/lock                    held (flock) by the process that writes or drains it
    SPOOL_DIR/<source>/<first sequence>.clicks segments: one JSON line a click
    SPOOL_DIR/<source>/checkpoint              how far the broker has confirmed

`source` is a UUID made with the folder. The clicks of a source are numbered from 0 without a gap;
a segment's name is the number of its first line. Whatever is on disk is enough to go on from.
"""

import fcntl
import os
import re
import shutil
import uuid
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path

_SEGMENT = re.compile(r"(\d{20})\.clicks")
_SOURCE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NEW = ".new-"

Refused = Callable[[str, OSError], None]
"""Is told which folder cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two lines: which segment, which byte of it, which sequence number next."""

    segment: int
    offset: int
    sequence: int


class SpoolFolder:
    """One locked folder, or one that is to be made; given back by `close` or `remove`."""

    __slots__ = ("_checkpoint_fd", "_lock_fd", "path", "source")

    def __init__(self, path: Path, lock_fd: int | None = None) -> None:
        self.path = path
        self.source = path.name
        self._lock_fd = lock_fd
        self._checkpoint_fd: int | None = None

    @classmethod
    def plan(cls, root: Path) -> "SpoolFolder":
        """Name a folder of a new source, which `make` makes; until then it has no segments."""
        return cls(root / str(uuid.uuid4()))

    @property
    def is_made(self) -> bool:
        """Whether it is there, and locked."""
        return self._lock_fd is not None

    def make(self) -> None:
        """Make and lock a planned folder; after a failure it may be tried again.

        Raises:
            OSError: it cannot be made, or the disk does not say that it has it.
        """
        root = self.path.parent
        root.mkdir(parents=True, exist_ok=True)
        # Locked before it has its name, or another process could adopt it in between.
        unnamed = root / f"{_NEW}{self.source}"
        lock_fd = None
        try:
            unnamed.mkdir()
            lock_fd = _try_lock(unnamed)
            if lock_fd is None:
                raise BlockingIOError(f"{unnamed} is locked by another process")
            unnamed.rename(self.path)
        except OSError:
            if lock_fd is not None:
                os.close(lock_fd)
            shutil.rmtree(unnamed, ignore_errors=True)
            raise
        self._lock_fd = lock_fd
        _sync_folder(root)

    @classmethod
    def adopt(
        cls, root: Path, *, skipped: Container[str] = (), refused: Refused | None = None
    ) -> "Iterator[SpoolFolder]":
        """Lock and yield the folders of dead processes; `refused` hears of what cannot be locked.

        Where `root` cannot be listed there is nothing to adopt: the spool tells, whose own folder
        is there.
        """
        try:
            paths = sorted(root.iterdir())
        except OSError:
            return
        for path in paths:
            if not _SOURCE.fullmatch(path.name) or path.name in skipped:
                continue
            try:
                lock_fd = _try_lock(path)
            except FileNotFoundError:  # its adopter has just finished it
                continue
            except OSError as error:
                if refused is not None:
                    refused(path.name, error)
                continue
            if lock_fd is not None:
                yield cls(path, lock_fd)

    def segments(self) -> list[int]:
        """Return the first sequence number of each segment, oldest first."""
        names = os.listdir(self.path) if self.is_made else ()
        found = (_SEGMENT.fullmatch(name) for name in names)
        return sorted(int(match[1]) for match in found if match)

    def segment_path(self, segment: int) -> Path:
        """Return the file of the segment that starts with this sequence number."""
        return self.path / f"{segment:020d}.clicks"

    def read_checkpoint(self) -> Position:
        """Return how far the broker has confirmed; the oldest segment's start if that is unknown.

        A checkpoint that a power loss took back, that cannot be read, or that names a segment that
        is gone, only means that clicks are sent once more.
        """
        segments = self.segments()
        oldest = segments[0] if segments else 0
        try:
            words = (self.path / "checkpoint").read_text("ascii").split()
            position = Position(*map(int, words))
        except (OSError, ValueError, TypeError):
            return Position(oldest, 0, oldest)
        if segments and position.segment not in segments:
            newer = [segment for segment in segments if segment >= position.sequence]
            first = newer[0] if newer else oldest
            return Position(first, 0, first)
        return position

    def bytes_behind(self, position: Position) -> int:
        """Return how much the segments hold behind this place."""
        segments = [segment for segment in self.segments() if segment >= position.segment]
        sizes = (self.segment_path(segment).stat().st_size for segment in segments)
        return max(0, sum(sizes) - position.offset)

    def write_checkpoint(self, position: Position) -> None:
        """Write the checkpoint, whole or not at all, however the process dies.

        In place, in one write of always the same length within one sector: replacing the file by
        a rename makes ext4 wait for the disk, which took a third of the event loop's time.
        """
        if self._checkpoint_fd is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
            self._checkpoint_fd = os.open(self.path / "checkpoint", flags, 0o600)
        numbers = (position.segment, position.offset, position.sequence)
        os.pwrite(self._checkpoint_fd, b"%020d %020d %020d\n" % numbers, 0)

    def remove(self) -> None:
        """Delete the folder, all of whose clicks are confirmed, and unlock it.

        Raises:
            OSError: some of it is left, unlocked.
        """
        try:
            if self.is_made:
                # Segments first: without the checkpoint they would be sent once more.
                for entry in sorted(self.path.iterdir()):
                    entry.unlink()
                self.path.rmdir()
        finally:
            self.close()

    def close(self) -> None:
        """Unlock the folder and leave it to whoever adopts it."""
        if self._checkpoint_fd is not None:
            os.close(self._checkpoint_fd)
            self._checkpoint_fd = None
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None


def _try_lock(path: Path) -> int | None:
    fd = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if (path / "lock").exists():  # else removed between open and lock
            return fd
    except BlockingIOError:
        pass
    except OSError:
        os.close(fd)
        raise
    os.close(fd)
    return None


def _sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
