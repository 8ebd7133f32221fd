"""A disk that refuses: clicks are shed or flushed later, and visitors notice nothing."""

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from redirector.spool import ClickSpool
from redirector.spool_folder import SpoolFolder
from shared.background import background_tasks
from shared.metrics import RedirectorMetrics
from tests.support.asgi import Answer, call
from tests.support.lonely_redirector import lonely_redirector
from tests.support.spooling import Spooling, adopted, drain, lines

DEADLINE_S = 10


class Refusing:
    """Stands in for fdatasync: refuses as long as `error` is set; `flushed` has whole files."""

    def __init__(self) -> None:
        self.error: int | None = errno.EIO
        self.flushed: dict[str, bytes] = {}

    def __call__(self, fd: int) -> None:
        """Flush, or refuse."""
        if self.error is not None:
            raise OSError(self.error, os.strerror(self.error))
        path = Path(os.readlink(f"/proc/self/fd/{fd}"))
        self.flushed[path.name] = path.read_bytes()


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Refusing:
    """Every flush of the test."""
    disk = Refusing()
    monkeypatch.setattr(os, "fdatasync", disk)
    return disk


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():
            await asyncio.sleep(0.001)


def disk_errors(spooling: Spooling) -> float:
    """Read the counter."""
    return spooling.registry.get_sample_value("qck_spool_disk_errors_total") or 0.0


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EDQUOT], ids=os.strerror)
async def test_a_flush_that_fails_is_counted_and_made_again(
    tmp_path: Path, refusing: Refusing, error: int
) -> None:
    """No failing flush ends flushing, and all that was refused is flushed by a later one."""
    spooling = Spooling(tmp_path, segment_bytes=50)
    refusing.error = error
    async with background_tasks() as tasks:
        flushing = tasks.create_task(spooling.spool.sync_every(0.001))
        spooling.append(0, 12)
        await until(lambda: disk_errors(spooling) > 2)
        assert spooling.spool.disk_error is not None
        assert spooling.spool.disk_error.errno == error
        refusing.error = None
        await until(lambda: spooling.spool.disk_error is None)
        assert not flushing.done()
    assert refusing.flushed == {path.name: path.read_bytes() for path in segments(tmp_path)}
    assert len(refusing.flushed) == 3
    spooling.spool.close()


def segments(root: Path) -> list[Path]:
    """List all segments."""
    return sorted(root.glob("*/*.clicks"))


async def test_a_deleted_segment_is_let_go_unflushed(tmp_path: Path, refusing: Refusing) -> None:
    """A disk that refuses for ever does not use up the process's descriptors."""
    spooling = Spooling(tmp_path, segment_bytes=50)
    async with background_tasks() as tasks:
        tasks.create_task(spooling.spool.sync_every(0.001))
        spooling.append(0, 12)
        assert drain(spooling.spool.reader) == lines(0, 12)
        before = disk_errors(spooling)
        await until(lambda: disk_errors(spooling) > before + 1)
        opened = [str(entry.resolve()) for entry in Path("/proc/self/fd").iterdir()]
        mine = [name for name in opened if name.startswith(str(tmp_path))]
        assert [name for name in mine if name.endswith(" (deleted)")] == []
    assert refusing.flushed == {}
    spooling.spool.close()


async def test_a_spool_without_a_folder_sheds_until_it_can_be_made(tmp_path: Path) -> None:
    """Clicks are shed and counted as long as the folder cannot be made, and no longer."""
    root = tmp_path / "spool"
    root.write_text("a file where the folder should be")
    registry = CollectorRegistry()
    spool = ClickSpool(
        SpoolFolder.plan(root), segment_bytes=1000, max_bytes=10**6,
        metrics=RedirectorMetrics(registry),
    )  # fmt: skip
    assert not spool.append(lines(0, 1))
    assert registry.get_sample_value("qck_clicks_shed_total", {"reason": "write_error"}) == 1
    assert spool.reader.read(10) is None
    assert spool.reader.oldest_age_s() == 0
    async with background_tasks() as tasks:
        tasks.create_task(spool.sync_every(0.001))
        root.unlink()
        await until(lambda: spool.disk_error is None)
        assert spool.append(lines(1, 1))
    spool.close()
    (heir,) = adopted(root)
    assert drain(heir) == lines(1, 1)


def test_a_folder_that_was_never_made_leaves_nothing(tmp_path: Path) -> None:
    """A spool that could not be made is closed as if there were none."""
    root = tmp_path / "spool"
    root.write_text("a file where the folder should be")
    metrics = RedirectorMetrics(CollectorRegistry())
    spool = ClickSpool(SpoolFolder.plan(root), segment_bytes=1000, max_bytes=1000, metrics=metrics)
    spool.close()
    assert [path.name for path in tmp_path.iterdir()] == ["spool"]


def test_a_folder_that_is_made_in_part_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that becomes full while the folder is made is left as it was, and tried again."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = SpoolFolder.plan(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(Path, "rename", refuse)
        with pytest.raises(OSError, match="No space left"):
            folder.make()
    assert list(tmp_path.iterdir()) == []
    folder.make()
    assert [path.name for path in tmp_path.iterdir()] == [folder.source]
    folder.remove()


async def test_a_redirector_starts_without_a_disk_for_its_clicks(tmp_path: Path) -> None:
    """Visitors are answered, and its health says "degraded", until the disk can be written."""
    root = tmp_path / "spool"
    root.write_text("a file where the folder should be")
    app = lonely_redirector(root, SPOOL_FSYNC_MS="1")
    async with app.router.lifespan_context(app):
        assert (await call(app, "/no/such/page")).status == 404
        assert b"the disk refuses" in await body_of(call(app, "/readyz"))
        assert b'write_error"} 1.0' in await body_of(call(app, "/metrics"))
        root.unlink()
        async with asyncio.timeout(DEADLINE_S):
            while b"the disk refuses" in await body_of(call(app, "/readyz")):
                await asyncio.sleep(0)
        assert (await call(app, "/no/such/page")).status == 404
        assert len(segments(root)) == 1


async def body_of(answering: Awaitable[Answer]) -> bytes:
    """Read an answer that is 200."""
    answer = await answering
    assert answer.status == 200
    return answer.body
