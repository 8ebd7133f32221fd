"""A spool with its counters, and lines whose numbers can be recognised."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry

from redirector.spool import ClickSpool
from redirector.spool_folder import SpoolFolder
from redirector.spool_reader import SpoolReader
from shared.metrics import RedirectorMetrics


class Spooling:
    """One process's spool, with its counters."""

    def __init__(self, root: Path, *, segment_bytes: int = 1000, max_bytes: int = 10**6) -> None:
        self.registry = CollectorRegistry()
        self.metrics = RedirectorMetrics(self.registry)
        self.folder = SpoolFolder.plan(root)
        self.spool = ClickSpool(
            self.folder,
            segment_bytes=segment_bytes,
            max_bytes=max_bytes,
            metrics=self.metrics,
        )

    def append(self, first: int, count: int) -> list[bool]:
        """Append numbered lines of ten bytes."""
        return [self.spool.append(a_line(number)) for number in range(first, first + count)]

    def die(self) -> None:
        """Leave everything as a killed process would: no flush, the lock gone."""
        self.folder.close()

    def shed(self, reason: str) -> float | None:
        """Read the counter of shed clicks."""
        return self.registry.get_sample_value("qck_clicks_shed_total", {"reason": reason})


def a_line(number: int) -> bytes:
    """Make a line of ten bytes."""
    return b"line %04d\n" % number


def lines(first: int, count: int) -> bytes:
    """Join numbered lines."""
    return b"".join(a_line(number) for number in range(first, first + count))


def adopted(root: Path, metrics: RedirectorMetrics | None = None) -> list[SpoolReader]:
    """Adopt what dead processes left."""
    counted = metrics or RedirectorMetrics(CollectorRegistry())
    return [SpoolReader(folder, metrics=counted) for folder in SpoolFolder.adopt(root)]


def drain(reader: SpoolReader, max_clicks: int = 1000) -> bytes:
    """Read and confirm everything."""
    body = b""
    while (batch := reader.read(max_clicks)) is not None:
        body += batch.body
        reader.confirm(batch)
    return body


@contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    """Let no file grow beyond `size_bytes`: writes become short, then fail."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
