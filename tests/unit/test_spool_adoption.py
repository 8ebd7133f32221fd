"""What a dead process leaves, and who takes it over: torn tails, lost checkpoints, locks."""

import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from redirector.spool_folder import Position
from tests.support.asgi import Answer, call
from tests.support.lonely_redirector import lonely_redirector
from tests.support.spooling import Spooling, adopted, drain, lines


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


@pytest.mark.parametrize("tail", [b"", b"half a li"], ids=["empty", "torn"])
@pytest.mark.parametrize("lost", [0, 2], ids=["nothing lost", "two lines lost"])
def test_a_last_segment_without_a_line_is_finished(tmp_path: Path, tail: bytes, lost: int) -> None:
    """An heir finishes it, and tells up to where clicks were numbered, lost ones included."""
    spooling = Spooling(tmp_path, segment_bytes=50)
    spooling.append(0, 5 - lost)
    spooling.folder.segment_path(5).write_bytes(tail)
    spooling.die()
    (heir,) = adopted(tmp_path, spooling.metrics)
    assert drain(heir) == lines(0, 5 - lost)
    told = 0
    while (mark := heir.mark()) is not None:
        told = mark.appended
        heir.confirm(mark)
    assert heir.is_announced
    assert heir.is_finished()
    assert told == 5
    assert spooling.registry.get_sample_value("qck_spool_torn_tails_total") == bool(tail)
    heir.remove()
    assert list(tmp_path.iterdir()) == []


def test_clicks_that_only_a_name_tells_of_are_told(tmp_path: Path) -> None:
    """A source whose first segment a power loss has emptied is not finished without a mark."""
    spooling = Spooling(tmp_path)
    spooling.folder.segment_path(0).touch()
    spooling.folder.segment_path(5).touch()
    spooling.die()
    (heir,) = adopted(tmp_path)
    assert heir.read(10) is None
    assert not heir.is_announced
    mark = heir.mark()
    assert mark is not None
    assert (mark.count, mark.appended) == (0, 5)


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
    script = (
        "import sys, pathlib; from tests.support.spooling import Spooling\n"
        "spooling = Spooling(pathlib.Path(sys.argv[1]), segment_bytes=500)\n"
        "spooling.append(0, 123); print('appended', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"appended\n"
        process.kill()
    (heir,) = adopted(tmp_path)
    assert drain(heir) == lines(0, 123)


async def test_what_dead_processes_left_is_shown_while_the_broker_is_away(tmp_path: Path) -> None:
    """A restart does not hide a backlog: its bytes and its age are among the spool's own."""
    spooling = Spooling(tmp_path)
    line = b'{"id":"01a20550-1563-793a-b690-a5da81b8cfdb"}\n'
    spooling.spool.append_all([line] * 3)
    batch = spooling.spool.reader.read(1)
    assert batch is not None
    spooling.spool.reader.confirm(batch)
    spooling.die()
    app = lonely_redirector(tmp_path)
    async with app.router.lifespan_context(app):
        shown = metrics(await call(app, "/metrics"))
        assert shown["qck_spool_bytes"] == 2 * len(line)
        assert shown["qck_spool_oldest_age_seconds"] > 0
    (heir,) = adopted(tmp_path)
    assert drain(heir) == 2 * line
    assert heir.left_bytes == 0


def metrics(answer: Answer) -> dict[str, float]:
    """Read the metrics without labels."""
    families = text_string_to_metric_families(answer.body.decode())
    return {each.name: each.value for family in families for each in family.samples}


@pytest.mark.parametrize("end", ["remove", "release"])
def test_who_is_done_with_a_folder_has_none_of_its_files_open(tmp_path: Path, end: str) -> None:
    """Its segment is let go of with its lock, whether the folder is deleted or left to others."""

    def open_files() -> int:
        links = Path("/proc/self/fd").iterdir()
        return sum(link.resolve().is_relative_to(tmp_path) for link in links)

    spooling = Spooling(tmp_path)
    spooling.append(0, 3)
    spooling.die()
    before = open_files()
    (heir,) = adopted(tmp_path)
    heir.read(10)
    assert open_files() > before + 1
    getattr(heir, end)()
    assert open_files() == before
