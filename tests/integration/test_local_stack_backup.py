"""Where a backup is written, and who may read it; tests/e2e/test_backup.py has what is in it."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.backup import DUMP, MANIFEST, SETTINGS, take_backup
from local_stack.database_tools import DatabaseTools
from local_stack.errors import StackError
from local_stack.stack import Stack
from tests.support.stack import started_stack

TABLES = """
CREATE TABLE links (); CREATE TABLE clicks ();
CREATE TABLE click_counts_total (clicks bigint); CREATE TABLE click_sources (stored bigint)
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield PostgreSQL with just what a backup counts."""
    with started_stack(tmp_path_factory.mktemp("stack"), ["postgres"]) as stack:
        DatabaseTools(stack.urls.database_url).query("qck", TABLES)
        yield stack


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """Return a .env that others may read."""
    path = tmp_path / ".env"
    path.write_text("INITIAL_API_KEY=secret\n")
    path.chmod(0o644)
    return path


def modes(folder: Path) -> dict[str, int]:
    """Return what others may do with each file."""
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_a_folder_of_its_own(stack: Stack, tmp_path: Path, env_file: Path) -> None:
    """It is made, for its owner alone, and not written into twice."""
    folder = tmp_path / "new/backup"
    take_backup(stack, folder, env_file)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with pytest.raises(StackError, match="has a backup already"):
        take_backup(stack, folder, env_file)


def test_a_folder_that_is_there(stack: Stack, tmp_path: Path, env_file: Path) -> None:
    """It stays as open as it was, as /tmp must, and the files in it are the owner's alone."""
    folder = tmp_path / "everybody"
    folder.mkdir()
    folder.chmod(0o1777)
    take_backup(stack, folder, env_file)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o1777
    assert modes(folder) == dict.fromkeys((DUMP, SETTINGS, MANIFEST), 0o600)
