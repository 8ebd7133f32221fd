"""What the spool asks of the kernel: flushes to the disk, and the lock in the right moment.

Neither shows in the files, so the calls themselves are looked at, and then made.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from redirector.spool import ClickSpool
from redirector.spool_folder import SpoolFolder
from shared.background import background_tasks
from shared.metrics import RedirectorMetrics
from tests.support.asgi import call
from tests.support.lonely_redirector import lonely_redirector

DEADLINE_S = 10
SEGMENT_BYTES = 100
LINE = b"a line of nineteen\n"


class Flushes:
    """The files that were flushed, each as it was then; `happened` is set by every flush."""

    def __init__(self) -> None:
        self.happened = asyncio.Event()
        self.contents: dict[str, bytes] = {}
        self._loop = asyncio.get_running_loop()
        self._flush = os.fdatasync

    def __call__(self, fd: int) -> None:
        """Flush."""
        path = Path(os.readlink(f"/proc/self/fd/{fd}"))
        self.contents[path.name] = path.read_bytes()
        self._flush(fd)
        self._loop.call_soon_threadsafe(self.happened.set)


@pytest.fixture
async def flushes(monkeypatch: pytest.MonkeyPatch) -> Flushes:
    """Every flush of the test."""
    seen = Flushes()
    monkeypatch.setattr(os, "fdatasync", seen)
    return seen


def a_spool(root: Path) -> ClickSpool:
    """Make a spool with room for five lines in a segment."""
    return ClickSpool(
        SpoolFolder.plan(root),
        segment_bytes=SEGMENT_BYTES,
        max_bytes=10**6,
        metrics=RedirectorMetrics(CollectorRegistry()),
    )


async def test_what_was_appended_is_flushed(tmp_path: Path, flushes: Flushes) -> None:
    """Every segment with new lines is flushed with all of them, finished segments included."""
    spool = a_spool(tmp_path)
    async with background_tasks() as tasks:
        tasks.create_task(spool.sync_every(0.001))
        spool.append_all([LINE] * 6)
        spool.append_all([LINE] * 6)
        async with asyncio.timeout(DEADLINE_S):
            while len(flushes.contents) < 2:
                flushes.happened.clear()
                await flushes.happened.wait()
    on_disk = {path.name: path.read_bytes() for path in tmp_path.glob("*/*.clicks")}
    assert flushes.contents == on_disk
    spool.close()


async def test_later_lines_are_flushed_too(tmp_path: Path, flushes: Flushes) -> None:
    """One flush is not the last one."""
    spool = a_spool(tmp_path)
    async with background_tasks() as tasks:
        tasks.create_task(spool.sync_every(0.001))
        for count in (1, 2, 3):
            spool.append(LINE)
            async with asyncio.timeout(DEADLINE_S):
                while LINE * count not in flushes.contents.values():
                    flushes.happened.clear()
                    await flushes.happened.wait()
    spool.close()


async def test_closing_flushes(tmp_path: Path, flushes: Flushes) -> None:
    """What is left to the next process is on the disk when this one has gone."""
    spool = a_spool(tmp_path)
    spool.append(LINE)
    spool.close()
    assert list(flushes.contents.values()) == [LINE]


async def test_a_redirector_flushes_by_itself(tmp_path: Path, flushes: Flushes) -> None:
    """A redirector, all of whose servers are away, flushes the click of a 404."""
    app = lonely_redirector(tmp_path)
    async with app.router.lifespan_context(app):
        flushes.contents.clear()
        answer = await call(app, "/no/such/page")
        assert answer.status == 404
        async with asyncio.timeout(DEADLINE_S):
            while not flushes.contents:
                flushes.happened.clear()
                await flushes.happened.wait()
        assert b"/no/such/page" in next(iter(flushes.contents.values()))


def on_lock(monkeypatch: pytest.MonkeyPatch, look: Callable[[], object]) -> None:
    """Have `look` called just before a lock is taken."""
    lock = fcntl.flock

    def looked_at(fd: int, operation: int) -> None:
        look()
        lock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", looked_at)


def test_a_folder_has_no_name_before_it_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While its lock is being taken nobody else would adopt the new folder."""
    adoptable: list[SpoolFolder] = []

    def adopt() -> None:
        monkeypatch.undo()
        adoptable.extend(SpoolFolder.adopt(tmp_path))

    on_lock(monkeypatch, adopt)
    folder = SpoolFolder.plan(tmp_path)
    folder.make()
    assert adoptable == []
    folder.close()
    (adopted,) = SpoolFolder.adopt(tmp_path)
    assert adopted.source == folder.source
    adopted.close()


def test_a_folder_that_vanishes_while_it_is_locked_is_not_adopted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner may finish and remove it between opening the lock's file and locking it."""
    owner = SpoolFolder.plan(tmp_path)
    owner.make()

    def remove() -> None:
        monkeypatch.undo()
        owner.remove()

    on_lock(monkeypatch, remove)
    assert list(SpoolFolder.adopt(tmp_path)) == []
