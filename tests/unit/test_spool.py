"""The click spool on a real file system."""

import errno
import os
from pathlib import Path

import pytest

from redirector.spool_reader import FIRST_READ_BYTES, MAX_READ_BYTES
from tests.support.spooling import Spooling, adopted, drain, largest_file, lines


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


def test_above_its_limit_the_spool_sheds_and_counts(tmp_path: Path) -> None:
    """A full spool refuses, until something is confirmed; numbers stay without a gap."""
    spooling = Spooling(tmp_path, max_bytes=50)
    assert not spooling.spool.has_shed_within(60)
    assert spooling.append(0, 7) == [True] * 5 + [False] * 2
    assert spooling.spool.has_shed_within(60)
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


def test_a_segment_that_cannot_be_deleted_does_not_stop_confirming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk that has become read-only confirmed segments stay, and reading goes on."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    spooling = Spooling(tmp_path, segment_bytes=100)
    spooling.append(0, 25)
    with monkeypatch.context() as read_only:
        read_only.setattr(Path, "unlink", refuse)
        assert drain(spooling.spool.reader) == lines(0, 25)
        assert spooling.spool.backlog_bytes == 0
        spooling.spool.close()
    assert len(list(tmp_path.glob("*/*.clicks"))) == 3
    (heir,) = adopted(tmp_path)
    assert heir.read(10) is None


def test_closing_a_confirmed_spool_leaves_nothing(tmp_path: Path) -> None:
    """A clean stop after a drain removes the folder."""
    spooling = Spooling(tmp_path)
    spooling.append(0, 3)
    drain(spooling.spool.reader)
    spooling.spool.close()
    assert list(tmp_path.iterdir()) == []


def test_the_age_of_the_oldest_click(tmp_path: Path) -> None:
    """The age comes from the time in the first unconfirmed click's id."""
    spooling = Spooling(tmp_path)
    assert spooling.spool.reader.oldest_age_s() == 0
    spooling.spool.append(b'{"id":"01a20550-1563-793a-b690-a5da81b8cfdb"}\n')
    assert spooling.spool.reader.oldest_age_s() > 0
    drain(spooling.spool.reader)
    assert spooling.spool.reader.oldest_age_s() == 0


def test_the_oldest_click_may_be_the_first_of_a_segment(tmp_path: Path) -> None:
    """The age is told of a segment all of whose forerunners are confirmed to their ends."""
    spooling = Spooling(tmp_path, segment_bytes=20)
    spooling.append(0, 2)
    drain(spooling.spool.reader)
    assert spooling.spool.reader.oldest_age_s() == 0
    spooling.spool.append(b'{"id":"01a20550-1563-793a-b690-a5da81b8cfdb"}\n')
    assert len(list(tmp_path.glob("*/*.clicks"))) == 2
    assert spooling.spool.reader.oldest_age_s() > 0


def test_a_segment_without_a_line_does_not_hide_the_end(tmp_path: Path) -> None:
    """A new segment whose first write fails leaves what is confirmed told, and drained."""
    spooling = Spooling(tmp_path, segment_bytes=20)
    spooling.append(0, 2)
    with largest_file(0):
        assert spooling.append(2, 1) == [False]
    reader = spooling.spool.reader
    drain(reader)
    mark = reader.mark()
    assert mark is not None
    reader.confirm(mark)
    assert reader.is_announced
    assert reader.confirmed.sequence == spooling.spool.next_sequence
    assert [path.name for path in tmp_path.glob("*/*.clicks")] == [f"{2:020d}.clicks"]
    assert spooling.append(2, 1) == [True]
    assert drain(reader) == lines(2, 1)
