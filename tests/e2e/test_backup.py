"""A backup that is restored: as many links and clicks as it promised, and loss that is shown."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from click_ingest.reconcile import differences, read_counts
from local_stack.backup import take_backup
from local_stack.errors import StackError
from local_stack.restore import FORMER, restore_backup
from local_stack.stack import Stack
from local_stack.terminal import SilentReport
from tests.support.database import fetch
from tests.support.link_author import api_client
from tests.support.stack import started_stack

BEFORE, SINCE, AFTER = 20, 7, 5


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield a stack of this file's own: its clicks will be missing, which others must not see."""
    with started_stack(tmp_path_factory.mktemp("stack")) as started:
        yield started


async def create(stack: Stack, slug: str) -> None:
    """Make a link."""
    async with api_client(stack) as api:
        body = {"longUrl": f"https://example.org/{slug}", "customSlug": slug}
        (await api.post("/short-urls", json=body)).raise_for_status()


async def visit(stack: Stack, slug: str, times: int) -> list[int]:
    """Follow a link so often; return the answers."""
    async with httpx2.AsyncClient(base_url=stack.urls.public_url, timeout=10) as visitor:
        return [(await visitor.get(f"/{slug}")).status_code for _ in range(times)]


async def until_stored(stack: Stack, clicks: int) -> None:
    """Wait until the database has so many clicks."""
    async with asyncio.timeout(30):
        while (await read_counts(stack.urls.database_url))["rows"] != clicks:
            await asyncio.sleep(0.1)


async def test_backup_and_restore(stack: Stack, tmp_path: Path) -> None:
    """Links and clicks of the backup are back, what came since is missing and said so, and new
    clicks are stored once, and new links are none of the lost; cached links lead on throughout."""
    await create(stack, "old")
    assert await visit(stack, "old", BEFORE) == [302] * BEFORE
    await until_stored(stack, BEFORE)
    env_file = tmp_path / "env"
    env_file.write_text("VISITOR_HASH_KEY=x\n")
    counts = await asyncio.to_thread(take_backup, stack, tmp_path / "backup", env_file)
    assert (counts.links, counts.clicks, counts.counted, counts.ledger) == (1, *[BEFORE] * 3)
    assert (tmp_path / "backup/settings.env").read_text() == env_file.read_text()

    await create(stack, "new")
    await visit(stack, "new", SINCE)
    await until_stored(stack, BEFORE + SINCE)
    done = await asyncio.to_thread(restore_backup, stack, tmp_path / "backup", SilentReport())
    assert done.now == counts
    assert (done.before.links, done.before.clicks) == (2, BEFORE + SINCE)

    assert await visit(stack, "old", AFTER) == [302] * AFTER
    assert await visit(stack, "new", 1) == [404]  # not even from the cache
    await until_stored(stack, BEFORE + AFTER + 1)
    url = stack.urls.database_url
    # The ledger takes a hole for loss once it is 20 s old; here it is made to be.
    await fetch(url, "UPDATE click_sources SET last_received_at = now() - interval '1 minute'")
    reconciled = await read_counts(url)
    assert reconciled["missing"] == SINCE
    assert len(differences(reconciled)) == 1
    rows = await fetch(url, "SELECT count(DISTINCT id), count(*) FROM clicks")
    assert rows[0][0] == rows[0][1]
    former = url.rpartition("/")[0] + f"/{FORMER}"
    assert (await fetch(former, "SELECT count(*) FROM clicks"))[0][0] == BEFORE + SINCE
    await create(stack, "other")  # and the API writes again
    # A click of the lost link, as may be on its way still, must not count for this one.
    (other,) = await fetch(url, "SELECT id FROM links WHERE short_code = 'other'")
    (lost,) = await fetch(former, "SELECT id FROM links WHERE short_code = 'new'")
    assert other["id"] > lost["id"]


async def test_what_is_no_backup_changes_nothing(stack: Stack, tmp_path: Path) -> None:
    """A folder without a manifest, or with one that promises more than the dump has."""
    with pytest.raises(StackError, match="has no backup"):
        await asyncio.to_thread(restore_backup, stack, tmp_path, SilentReport())
    links = await fetch(stack.urls.database_url, "SELECT count(*) FROM links")
    await asyncio.to_thread(take_backup, stack, tmp_path, tmp_path / "none")
    manifest = tmp_path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"clicks": ', '"clicks": 9'))
    with pytest.raises(StackError, match="promises"):
        await asyncio.to_thread(restore_backup, stack, tmp_path, SilentReport())
    with pytest.raises(StackError, match="a backup already"):
        await asyncio.to_thread(take_backup, stack, tmp_path, tmp_path / "none")
    assert await fetch(stack.urls.database_url, "SELECT count(*) FROM links") == links
