"""The click spool on a real file system."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from redirector.spool import ClickSpool
from redirector.spool_folder import Position, SpoolFolder
from redirector.spool_reader import FIRST_READ_BYTES, MAX_READ_BYTES, SpoolReader
from shared.metrics import RedirectorMetrics


class Spooling:
    """One process's spool, with its counters."""

    def __init__(self, root: Path, *, segment_bytes: int = 1000, max_bytes: int = 10**6) -> None:
        self.registry = CollectorRegistry()
        self.metrics = RedirectorMetrics(self.registry)
        self.folder = SpoolFolder.create(root)
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


def test_lines_come_back_in_order(tmp_path: Path) -> None:
    """What was appended is read as it was, numbered from 0 without a gap."""
    spooling = Spooling(tmp_path)
    spooling.append(0, 7)
    first = spooling.spool.reader.read(5)
    second = spooling.spool.reader.read(5)
    assert first is not None
    assert second is not None
    assert (first.first_sequence, first.count, first.body) == (0, 5, lines(0, 5))
    assert (second.first_sequence, second.count, second.body) == (5, 2, lines(5, 2))
    assert first.source == second.source == spooling.folder.source
    assert spooling.spool.reader.read(5) is None


def test_a_line_is_on_disk_when_append_returns(tmp_path: Path) -> None:
    """Nothing is buffered in the process."""
    spooling = Spooling(tmp_path)
    spooling.append(0, 1)
    (segment,) = tmp_path.glob("*/*.clicks")
    assert segment.read_bytes() == lines(0, 1)


def test_segments_are_rotated_read_through_and_deleted(tmp_path: Path) -> None:
    """A long spool is many segments; those wholly confirmed are gone."""
    spooling = Spooling(tmp_path, segment_bytes=100)
    spooling.append(0, 35)
    assert len(list(tmp_path.glob("*/*.clicks"))) == 4
    assert drain(spooling.spool.reader) == lines(0, 35)
    assert [path.name for path in tmp_path.glob("*/*.clicks")] == [f"{30:020d}.clicks"]


def test_rewind_sends_again_what_is_not_confirmed(tmp_path: Path) -> None:
    """After a rewind reading goes on from the checkpoint."""
    spooling = Spooling(tmp_path)
    spooling.append(0, 6)
    reader = spooling.spool.reader
    first = reader.read(2)
    assert first is not None
    reader.read(2)
    reader.confirm(first)
    reader.rewind()
    again = reader.read(10)
    assert again is not None
    assert (again.first_sequence, again.body) == (2, lines(2, 4))


def test_a_full_message_of_long_lines_is_read_at_once(tmp_path: Path) -> None:
    """What does not fit into one small read is still one message, up to the largest read."""
    spooling = Spooling(tmp_path, segment_bytes=10**7, max_bytes=10**7)
    long = [b"%05d" % number + b"x" * 994 + b"\n" for number in range(500)]
    spooling.spool.append_all(long)
    spooling.spool.append_all([b"y" * (MAX_READ_BYTES // 2) + b"\n"] * 3)
    reader = spooling.spool.reader
    sizes = []
    while (batch := reader.read(300)) is not None:
        assert len(batch.body) <= MAX_READ_BYTES
        sizes.append((batch.first_sequence, batch.count))
        reader.confirm(batch)
    assert sizes == [(0, 300), (300, 201), (501, 1), (502, 1)]
    assert FIRST_READ_BYTES < 300 * 1000


def test_segments_that_are_only_read_stay(tmp_path: Path) -> None:
    """A segment is kept until all of it is confirmed: read to its end, or confirmed in part."""
    spooling = Spooling(tmp_path, segment_bytes=100)
    spooling.append(0, 35)
    reader = spooling.spool.reader
    batches = [reader.read(6) for _ in range(7)]
    assert batches[-1] is not None
    assert batches[-1].first_sequence == 30
    assert len(list(tmp_path.glob("*/*.clicks"))) == 4
    assert batches[0] is not None
    reader.confirm(batches[0])
    assert len(list(tmp_path.glob("*/*.clicks"))) == 4
    reader.rewind()
    assert drain(reader) == lines(6, 29)


def test_a_dead_process_is_taken_over_from_its_checkpoint(tmp_path: Path) -> None:
    """Another process finds what was not confirmed, under the old source's name and numbers."""
    spooling = Spooling(tmp_path, segment_bytes=100)
    spooling.append(0, 25)
    reader = spooling.spool.reader
    batch = reader.read(12)
    assert batch is not None
    reader.confirm(batch)
    spooling.die()
    (heir,) = adopted(tmp_path)
    first = heir.read(1000)
    assert first is not None
    assert (first.source, first.first_sequence) == (spooling.folder.source, batch.count)
    heir.confirm(first)
    assert first.body + drain(heir) == lines(batch.count, 25 - batch.count)
    assert heir.is_finished()
    heir.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_living_process_is_left_alone(tmp_path: Path) -> None:
    """A folder whose lock is held is nobody else's."""
    Spooling(tmp_path)
    assert adopted(tmp_path) == []


def test_an_adopted_folder_is_not_finished_before_it_was_read(tmp_path: Path) -> None:
    """Nothing read yet is not the same as nothing there."""
    spooling = Spooling(tmp_path)
    spooling.append(0, 3)
    spooling.die()
    (heir,) = adopted(tmp_path)
    assert not heir.is_finished()
    batch = heir.read(10)
    assert batch is not None
    assert heir.read(10) is None
    assert not heir.is_finished()
    heir.confirm(batch)
    assert heir.is_finished()


def test_what_is_confirmed_is_told(tmp_path: Path) -> None:
    """Each batch tells how far appending and confirming were; a mark tells the end, once."""
    spooling = Spooling(tmp_path)
    reader = spooling.spool.reader
    assert reader.mark() is None
    spooling.append(0, 5)
    first = reader.read(2)
    assert first is not None
    assert (first.appended, first.confirmed) == (5, 0)
    reader.confirm(first)
    second = reader.read(10)
    assert second is not None
    assert (second.appended, second.confirmed) == (5, 2)
    assert reader.mark() is None
    reader.confirm(second)
    mark = reader.mark()
    assert mark is not None
    assert (mark.first_sequence, mark.count, mark.body, mark.confirmed) == (5, 0, b"", 5)
    assert reader.mark() is None
    reader.rewind()
    assert reader.mark() == mark


def test_a_torn_tail_is_left_out_and_counted(tmp_path: Path) -> None:
    """A last line without its end was never answered; the whole ones before it are kept."""
    spooling = Spooling(tmp_path)
    spooling.append(0, 3)
    (segment,) = tmp_path.glob("*/*.clicks")
    with segment.open("ab") as file:
        file.write(b"half a li")
    spooling.die()
    (heir,) = adopted(tmp_path, spooling.metrics)
    assert drain(heir) == lines(0, 3)
    assert heir.is_finished()
    assert spooling.registry.get_sample_value("qck_spool_torn_tails_total") == 1


def test_a_lost_checkpoint_only_repeats(tmp_path: Path) -> None:
    """Without a checkpoint everything still there is sent once more."""
    spooling = Spooling(tmp_path, segment_bytes=100)
    spooling.append(0, 25)
    batch = spooling.spool.reader.read(10)
    assert batch is not None
    spooling.spool.reader.confirm(batch)
    (tmp_path / spooling.folder.source / "checkpoint").unlink()
    spooling.die()
    (heir,) = adopted(tmp_path)
    assert drain(heir) == lines(0, 25)


@pytest.mark.parametrize("text", ["", "junk", "1 2", "1 2 3 4", "x y z"])
def test_a_broken_checkpoint_is_as_none(tmp_path: Path, text: str) -> None:
    """A checkpoint that cannot be read is taken for the oldest segment's start."""
    spooling = Spooling(tmp_path)
    spooling.append(0, 2)
    (tmp_path / spooling.folder.source / "checkpoint").write_text(text)
    assert spooling.folder.read_checkpoint() == Position(0, 0, 0)


def test_a_checkpoint_of_a_deleted_segment_goes_on_behind_it(tmp_path: Path) -> None:
    """A checkpoint older than a deletion, as after a power loss, skips to what is there."""
    spooling = Spooling(tmp_path, segment_bytes=100)
    spooling.append(0, 25)
    spooling.folder.write_checkpoint(Position(0, 50, 5))
    spooling.folder.segment_path(0).unlink()
    assert spooling.folder.read_checkpoint() == Position(10, 0, 10)


def test_above_its_limit_the_spool_sheds_and_counts(tmp_path: Path) -> None:
    """A full spool refuses, until something is confirmed; numbers stay without a gap."""
    spooling = Spooling(tmp_path, max_bytes=50)
    assert spooling.append(0, 7) == [True] * 5 + [False] * 2
    assert spooling.shed("spool_full") == 2
    drain(spooling.spool.reader)
    assert spooling.append(7, 1) == [True]
    batch = spooling.spool.reader.read(10)
    assert batch is not None
    assert (batch.first_sequence, batch.body) == (5, lines(7, 1))


def test_a_disk_that_refuses_sheds_whole_lines_only(tmp_path: Path) -> None:
    """A write that is short and then fails leaves no piece of a line behind."""
    spooling = Spooling(tmp_path)
    with largest_file(25):
        assert spooling.append(0, 4) == [True, True, False, False]
    assert spooling.shed("write_error") == 2
    assert spooling.append(4, 1) == [True]
    assert drain(spooling.spool.reader) == lines(0, 2) + lines(4, 1)


def test_a_full_disk_does_not_stop_confirming(tmp_path: Path) -> None:
    """Where even the checkpoint cannot be written, confirmed segments are still deleted."""
    spooling = Spooling(tmp_path, segment_bytes=100)
    spooling.append(0, 25)
    with largest_file(0):
        assert drain(spooling.spool.reader) == lines(0, 25)
    assert len(list(tmp_path.glob("*/*.clicks"))) == 1
    assert spooling.spool.backlog_bytes == 0


def test_closing_a_confirmed_spool_leaves_nothing(tmp_path: Path) -> None:
    """A clean stop after a drain removes the folder."""
    spooling = Spooling(tmp_path)
    spooling.append(0, 3)
    drain(spooling.spool.reader)
    spooling.spool.close()
    assert list(tmp_path.iterdir()) == []


def test_closing_an_unconfirmed_spool_leaves_it_to_an_heir(tmp_path: Path) -> None:
    """A clean stop with clicks left keeps them for the next process."""
    spooling = Spooling(tmp_path)
    spooling.append(0, 3)
    spooling.spool.close()
    (heir,) = adopted(tmp_path)
    assert drain(heir) == lines(0, 3)


def test_a_folder_without_a_clear_name_is_nobody_s(tmp_path: Path) -> None:
    """A folder that is being made, or is not ours at all, is not adopted."""
    (tmp_path / ".new-00000000-0000-0000-0000-000000000000").mkdir()
    (tmp_path / "lost+found").mkdir()
    assert adopted(tmp_path) == []


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    """A process killed with SIGKILL leaves every line that append had returned from."""
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        spooling = Spooling(tmp_path, segment_bytes=500)
        spooling.append(0, 123)
        os.write(told, b"x")
        signal.pause()
    os.read(ready, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    (heir,) = adopted(tmp_path)
    assert drain(heir) == lines(0, 123)


def test_the_age_of_the_oldest_click(tmp_path: Path) -> None:
    """The age comes from the time in the first unconfirmed click's id."""
    spooling = Spooling(tmp_path)
    assert spooling.spool.reader.oldest_age_s() == 0
    spooling.spool.append(b'{"id":"01a20550-1563-793a-b690-a5da81b8cfdb"}\n')
    assert spooling.spool.reader.oldest_age_s() > 0
    drain(spooling.spool.reader)
    assert spooling.spool.reader.oldest_age_s() == 0
