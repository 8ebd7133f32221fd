"""A spool folder outlives the release that wrote it: goldens hold what is on disk.

Whoever deploys while RabbitMQ is away starts a release that adopts the spools of another one,
and whoever rolls back starts an older one.
"""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from redirector.spool import ClickSpool
from redirector.spool_folder import SpoolFolder
from redirector.spool_reader import SpoolReader
from shared.click_event import decode_lines, encode_line
from shared.metrics import RedirectorMetrics
from tests.support.golden_spools import (
    CLICKS,
    CONFIRMED,
    GOLDEN,
    GOLDEN_SPOOLS,
    SEGMENT_BYTES,
    GoldenSpool,
    golden_click,
)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_this_release_writes(tmp_path: Path) -> None:
    """Names and bytes of lock, segments and checkpoint are those of the newest golden."""
    name = GOLDEN_SPOOLS[0].name
    folder = SpoolFolder.plan(tmp_path)
    spool = ClickSpool(
        folder,
        segment_bytes=SEGMENT_BYTES,
        max_bytes=10**6,
        metrics=RedirectorMetrics(CollectorRegistry()),
    )
    for number in range(CLICKS):
        spool.append(encode_line(golden_click(name, number)))
    batch = spool.reader.read(CONFIRMED)
    assert batch is not None
    spool.reader.confirm(batch)
    spool.close()
    assert contents(folder.path) == contents(GOLDEN / name)


@pytest.mark.parametrize("golden", GOLDEN_SPOOLS, ids=lambda golden: golden.name)
def test_what_any_release_has_written_is_finished(tmp_path: Path, golden: GoldenSpool) -> None:
    """An heir reads the clicks that are due, under the numbers they have, and leaves nothing."""
    golden.leave_in(tmp_path)
    (folder,) = SpoolFolder.adopt(tmp_path)
    heir = SpoolReader(folder, metrics=RedirectorMetrics(CollectorRegistry()))
    body = b""
    while (batch := heir.read(4)) is not None:
        assert batch.first_sequence == golden.due.start + body.count(b"\n")
        body += batch.body
        heir.confirm(batch)
    assert decode_lines(body) == golden.clicks
    assert heir.is_finished()
    heir.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("golden", GOLDEN_SPOOLS, ids=lambda golden: golden.name)
def test_an_heir_that_dies_leaves_it_to_another(tmp_path: Path, golden: GoldenSpool) -> None:
    """A checkpoint that this release writes over another's is where the next heir goes on."""
    golden.leave_in(tmp_path)
    (folder,) = SpoolFolder.adopt(tmp_path)
    first = SpoolReader(folder, metrics=RedirectorMetrics(CollectorRegistry()))
    batch = first.read(4)
    assert batch is not None
    first.confirm(batch)
    first.release()
    (folder,) = SpoolFolder.adopt(tmp_path)
    second = SpoolReader(folder, metrics=RedirectorMetrics(CollectorRegistry()))
    rest = second.read(100)
    assert rest is not None
    assert rest.first_sequence == golden.due.start + batch.count
    second.release()
